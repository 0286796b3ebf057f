//! Friends, requests, blocks and items.

use anser_domain::{
    BlockPage, Blocked, Friend, FriendPage, FriendRequest, Item, ItemKey, ItemPage, Millis,
    RequestId, RequestPage, RequestState, Seen, SyncToken,
};
use anser_wire::{REQUEST_STATES, frame};

use super::{Odd, Result, user};

pub(super) fn seen(seen: frame::Seen) -> Seen {
    Seen { online: seen.online, last: Millis(seen.last) }
}

pub(crate) fn friend(row: frame::Friend) -> Result<Friend> {
    Ok(Friend {
        user: user(&row.user)?,
        display_name: row.display_name.into(),
        remark: row.remark.into(),
        lists: row.lists.into_iter().map(Into::into).collect(),
        since: Millis(row.since),
        presence: row.presence.map(seen),
        gone: row.gone,
        version: SyncToken(row.version),
    })
}

pub(crate) fn friends(page: frame::Friends) -> Result<FriendPage> {
    let friends = page.friends.into_iter().map(friend).collect::<Result<_>>()?;
    Ok(FriendPage { friends, token: SyncToken(page.token), more: page.more })
}

pub(crate) fn request(row: frame::FriendRequest) -> Result<FriendRequest> {
    // Whatever a later version calls it, it waits no more.
    let state = REQUEST_STATES.iter().find(|it| u32::from(it.2) == row.state);
    Ok(FriendRequest {
        id: RequestId(row.request),
        from: user(&row.from)?,
        to: user(&row.to)?,
        message: row.message.into(),
        state: state.map_or(RequestState::Expired, |it| it.0),
        created: Millis(row.created),
        version: SyncToken(row.version),
    })
}

pub(crate) fn requests(page: frame::FriendRequests) -> Result<RequestPage> {
    let requests = page.requests.into_iter().map(request).collect::<Result<_>>()?;
    Ok(RequestPage { requests, token: SyncToken(page.token), more: page.more })
}

pub(crate) fn blocks(page: frame::Blocks) -> Result<BlockPage> {
    let row = |row: frame::Blocked| {
        Ok(Blocked {
            user: user(&row.user)?,
            since: Millis(row.since),
            gone: row.gone,
            version: SyncToken(row.version),
        })
    };
    let blocks = page.blocks.into_iter().map(row).collect::<Result<_>>()?;
    Ok(BlockPage { blocks, token: SyncToken(page.token), more: page.more })
}

pub(crate) fn item(row: frame::Item) -> Result<Item> {
    Ok(Item {
        key: ItemKey::new(&row.key).map_err(|_| Odd("a bad key of an item"))?,
        value: row.value.map(Into::into),
        version: SyncToken(row.version),
    })
}

pub(crate) fn items(page: frame::Items) -> Result<ItemPage> {
    let items = page.items.into_iter().map(item).collect::<Result<_>>()?;
    Ok(ItemPage { items, token: SyncToken(page.token), more: page.more })
}
