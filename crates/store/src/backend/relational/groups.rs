//! Groups, their members and those who are to become members, for reading.

use std::sync::Arc;

use super::engine::{OptionalExtension, Row, params};
use anser_domain::{
    Address, Group, GroupName, Invitation, MemberPage, Millis, Refusal, SyncToken, UserId,
    UserName, Waiting,
};
use async_trait::async_trait;

use super::{
    Relational,
    convert::{group_role, sql},
    door,
    policy::policy,
    reader::Reader,
};
use crate::port::{Acl, Check, Groups, Side, StoreError};

/// The longest page, whatever was asked for.
const MAX_PAGE: u16 = 1_000;

/// What [`card`] reads: of `g`, a group, and of `m`, the viewer's row there, if there is one.
const CARD: &str = "g.name, g.policy, g.title, g.description, g.avatar, g.announcement, g.size, \
                    g.created, CASE WHEN m.until_seq IS NULL THEN m.role END, m.muted";

/// A group, as far as its viewer may see it.
fn card(row: &Row<'_>) -> super::engine::Result<Group> {
    let name = GroupName::trusted(row.get_ref(0)?.as_str()?);
    let (kind, policy) = policy(row.get(1)?);
    let role = row.get::<_, Option<i64>>(8)?.map(group_role);
    let announcement = if role.is_some() { row.get(5)? } else { Box::default() };
    let muted = row.get::<_, Option<i64>>(9)?.filter(|_| role.is_some());
    Ok(Group {
        name,
        kind,
        title: row.get(2)?,
        description: row.get(3)?,
        avatar: row.get(4)?,
        announcement,
        members: row.get(6)?,
        created: Millis(row.get(7)?),
        policy,
        role,
        muted: Millis(muted.unwrap_or(0)),
    })
}

/// A page and whether more follow, of rows of which one more than fits was asked for.
fn page<T>(mut rows: Vec<T>, limit: u16) -> (Vec<T>, bool) {
    let more = rows.len() > usize::from(limit);
    rows.truncate(usize::from(limit));
    (rows, more)
}

impl Reader<'_> {
    /// The members, for a member.
    pub(super) fn acl_for(&mut self, viewer: UserId, at: &Address) -> Result<Arc<Acl>, StoreError> {
        let conv = self.find(viewer, at)?;
        let view = self.view(viewer, conv)?;
        if !view.member {
            return Err(Refusal::NotMember.into());
        }
        let acl = self.acl(conv, view.acl_version, view.kind)?;
        // It may be later than the view.
        if !acl.members.contains_key(&viewer) {
            return Err(Refusal::NotMember.into());
        }
        Ok(acl)
    }

    pub(super) fn group(
        &mut self,
        viewer: UserId,
        name: &GroupName,
        now: Millis,
    ) -> Result<Group, StoreError> {
        let mut query = self.conn.prepare_cached(&format!(
            "SELECT {CARD} FROM `groups` g \
             LEFT JOIN members m ON m.user = ?2 AND m.conv = g.conv WHERE g.name = ?1"
        ))?;
        let found = query.query_row(params![name.as_str(), sql(viewer.0)], card).optional()?;
        let group = found.ok_or(Refusal::NotMember)?;
        let known = group.role.is_some() || !group.policy.hidden;
        if !known && !self.invited(viewer, name, now)? {
            return Err(Refusal::NotMember.into());
        }
        Ok(group)
    }

    pub(super) fn members(
        &mut self,
        viewer: UserId,
        name: &GroupName,
        after: Option<&UserName>,
        limit: u16,
    ) -> Result<MemberPage, StoreError> {
        let acl = self.acl_for(viewer, &Address::Group(name.clone()))?;
        let (members, more) = acl.members.page(after, usize::from(limit.clamp(1, MAX_PAGE)));
        Ok(MemberPage { members, more })
    }

    fn groups(
        &self,
        user: UserId,
        (after, limit): (Option<GroupName>, u16),
    ) -> Result<(Vec<Group>, bool), StoreError> {
        let limit = limit.clamp(1, MAX_PAGE);
        let mut query = self.conn.prepare_cached(&format!(
            "SELECT {CARD} FROM members m CROSS JOIN `groups` g ON g.conv = m.conv \
             WHERE m.user = ?1 AND m.peer IS NULL AND m.until_seq IS NULL AND g.name > ?2 \
             ORDER BY g.name LIMIT ?3"
        ))?;
        let after = after.as_ref().map_or("", GroupName::as_str);
        let rows = query.query_map(params![sql(user.0), after, i64::from(limit) + 1], card)?;
        Ok(page(rows.collect::<Result<_, _>>()?, limit))
    }

    fn waiting(
        &mut self,
        viewer: UserId,
        group: &GroupName,
        side: Side,
        (after, limit): (Option<UserName>, u16),
        now: Millis,
        check: Check,
    ) -> Result<(Vec<Waiting>, bool), StoreError> {
        let acl = self.acl_for(viewer, &Address::Group(group.clone()))?;
        check(&acl, acl.members.get(&viewer).ok_or(Refusal::NotMember)?)?;
        let limit = limit.clamp(1, MAX_PAGE);
        let mut query = self.conn.prepare_cached(
            "SELECT u.name, b.name, w.message, w.since, w.until FROM waiting w \
             CROSS JOIN users u ON u.id = w.user CROSS JOIN users b ON b.id = w.by \
             WHERE w.conv = ?1 AND w.side = ?2 AND w.until > ?3 AND u.name > ?4 \
             ORDER BY u.name LIMIT ?5",
        )?;
        let after = after.as_ref().map_or("", UserName::as_str);
        let (conv, side) = (sql(acl.conv.0), door::number(side));
        let key = params![conv, side, now.0, after, i64::from(limit) + 1];
        let rows = query.query_map(key, |row| {
            Ok(Waiting {
                user: UserName::trusted(row.get_ref(0)?.as_str()?),
                by: UserName::trusted(row.get_ref(1)?.as_str()?),
                message: row.get(2)?,
                since: Millis(row.get(3)?),
                until: Millis(row.get(4)?),
            })
        })?;
        Ok(page(rows.collect::<Result<_, _>>()?, limit))
    }

    fn invited(&self, user: UserId, group: &GroupName, now: Millis) -> Result<bool, StoreError> {
        let mut query = self.conn.prepare_cached(
            "SELECT 1 FROM `groups` g CROSS JOIN waiting w ON w.conv = g.conv AND w.side = ?1 \
             AND w.user = ?2 WHERE g.name = ?3 AND w.until > ?4",
        )?;
        let side = door::number(Side::Invited);
        let key = params![side, sql(user.0), group.as_str(), now.0];
        Ok(query.query_row(key, |_| Ok(())).optional()?.is_some())
    }

    fn invitations(
        &self,
        user: UserId,
        (after, limit): (Option<GroupName>, u16),
        now: Millis,
    ) -> Result<(Vec<Invitation>, bool), StoreError> {
        let limit = limit.clamp(1, MAX_PAGE);
        let mut query = self.conn.prepare_cached(&format!(
            "SELECT {CARD}, b.name, w.since, w.until FROM waiting w \
             CROSS JOIN `groups` g ON g.conv = w.conv CROSS JOIN users b ON b.id = w.by \
             LEFT JOIN members m ON m.user = w.user AND m.conv = w.conv \
             WHERE w.user = ?1 AND w.side = ?2 AND w.until > ?3 AND g.name > ?4 \
             ORDER BY g.name LIMIT ?5"
        ))?;
        let after = after.as_ref().map_or("", GroupName::as_str);
        let side = door::number(Side::Invited);
        let key = params![sql(user.0), side, now.0, after, i64::from(limit) + 1];
        let rows = query.query_map(key, |row| {
            Ok(Invitation {
                group: card(row)?,
                by: UserName::trusted(row.get_ref(10)?.as_str()?),
                since: Millis(row.get(11)?),
                until: Millis(row.get(12)?),
            })
        })?;
        Ok(page(rows.collect::<Result<_, _>>()?, limit))
    }
}

#[async_trait]
impl Groups for Relational {
    async fn invite(
        &self,
        by: UserId,
        group: &GroupName,
        users: &[UserName],
        check: Check,
    ) -> Result<Vec<(UserId, SyncToken)>, StoreError> {
        let (group, users) = (group.clone(), users.to_vec());
        self.write(move |desk| door::invite(desk, by, &group, &users, check)).await
    }

    async fn ask(&self, user: UserId, group: &GroupName, message: &str) -> Result<(), StoreError> {
        let (group, message) = (group.clone(), message.to_owned());
        self.write(move |desk| door::ask(desk, user, &group, &message)).await
    }

    async fn dismiss(
        &self,
        by: UserId,
        group: &GroupName,
        user: &UserName,
        side: Side,
        check: Check,
    ) -> Result<Option<(UserId, SyncToken)>, StoreError> {
        let (group, user) = (group.clone(), user.clone());
        self.write(move |desk| door::dismiss(desk, by, &group, &user, side, check)).await
    }

    async fn retract(
        &self,
        user: UserId,
        group: &GroupName,
        side: Side,
    ) -> Result<Option<SyncToken>, StoreError> {
        let group = group.clone();
        self.write(move |desk| door::retract(desk, user, &group, side)).await
    }

    async fn waiting(
        &self,
        viewer: UserId,
        group: &GroupName,
        side: Side,
        page: (Option<UserName>, u16),
        now: Millis,
        check: Check,
    ) -> Result<(Vec<Waiting>, bool), StoreError> {
        let group = group.clone();
        let read =
            move |reader: &mut Reader<'_>| reader.waiting(viewer, &group, side, page, now, check);
        self.readers.call(read).await
    }

    async fn invited(
        &self,
        user: UserId,
        group: &GroupName,
        now: Millis,
    ) -> Result<bool, StoreError> {
        let group = group.clone();
        self.readers.call(move |reader| reader.invited(user, &group, now)).await
    }

    async fn invitations(
        &self,
        user: UserId,
        page: (Option<GroupName>, u16),
        now: Millis,
    ) -> Result<(Vec<Invitation>, bool), StoreError> {
        self.readers.call(move |reader| reader.invitations(user, page, now)).await
    }

    async fn groups(
        &self,
        user: UserId,
        page: (Option<GroupName>, u16),
    ) -> Result<(Vec<Group>, bool), StoreError> {
        self.readers.call(move |reader| reader.groups(user, page)).await
    }
}
