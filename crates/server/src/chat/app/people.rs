//! Friends, blocks, who is found, and coming into groups and out of them.

use std::io;

use anser_client::{Client, Failed};
use anser_domain::{
    Address, Friend, FriendRequest, GroupName, Listing, RequestState, Seen, SyncToken, UserName,
};

use super::{Answer, App};
use crate::chat::{screen::Screen, show};

/// As the server likes: more than fits a screen.
const ALL: Listing = Listing { after: SyncToken(0), gone: false, limit: 0 };
/// Users that are shown of those found.
const FOUND: u32 = 20;

impl App {
    pub(super) fn friends(&self) {
        let me = self.me.clone();
        self.ask(|client| async move {
            let page = client.friends(ALL).await?;
            let mut lines: Vec<String> = page.friends.iter().map(friend).collect();
            if page.more {
                lines.push("  … and more".to_owned());
            }
            lines.extend(waiting(&client, &me).await?.into_iter().map(|line| format!("  {line}")));
            if lines.is_empty() {
                lines.push("No friends yet. /friend NAME asks someone.".to_owned());
            }
            Ok(Answer::Say(lines.join("\n")))
        });
    }

    /// Who asks to be a friend, where anybody does.
    pub(super) fn requests(&self) {
        let me = self.me.clone();
        self.ask(|client| async move {
            let to_me = client.friend_requests(ALL).await?.requests;
            let newest = to_me.iter().rev().find(|it| it.to == me).map(|it| asks(it, &me));
            Ok(Answer::Note(newest))
        });
    }

    pub(super) fn invitations(&self) {
        self.ask(|client| async move {
            let (rows, _) = client.invitations(None, 0).await?;
            let newest = rows.iter().max_by_key(|row| row.since);
            Ok(Answer::Note(newest.map(|row| {
                let group = &row.group.name;
                format!("{} invites you into g:{group}: /join {group}", row.by)
            })))
        });
    }

    pub(super) fn befriend(&self, user: UserName) {
        self.ask(|client| async move {
            let request = client.request_friend(&user, "").await?;
            Ok(Answer::Say(match request.state {
                RequestState::Accepted => format!("You and {user} are friends."),
                _ => format!("{user} is asked."),
            }))
        });
    }

    /// Ends a friendship, or a request of either side.
    pub(super) fn unfriend(&self, user: UserName) {
        let me = self.me.clone();
        self.ask(|client| async move {
            let requests = client.friend_requests(ALL).await?.requests;
            for request in requests {
                if request.from == user && request.to == me {
                    client.answer_request(request.id, false).await?;
                    return Ok(Answer::Say(format!("{user}'s request is turned down.")));
                }
                if request.to == user && request.from == me {
                    client.withdraw_request(request.id).await?;
                    return Ok(Answer::Say(format!("{user} is not asked any more.")));
                }
            }
            client.remove_friend(&user).await?;
            Ok(Answer::Say(format!("You and {user} are friends no more.")))
        });
    }

    pub(super) fn block(&self, user: UserName, blocked: bool) {
        self.ask(|client| async move {
            client.block(&user, blocked).await?;
            Ok(Answer::Say(match blocked {
                true => format!("{user} is blocked."),
                false => format!("{user} is not blocked any more."),
            }))
        });
    }

    pub(super) fn find(&self, words: String) {
        self.ask(|client| async move {
            let users = client.find_users(&words, None, FOUND).await?;
            let mut lines: Vec<String> =
                users.iter().map(|it| named(&it.name, &it.display_name)).collect();
            if lines.is_empty() {
                lines.push("Nobody found.".to_owned());
            }
            Ok(Answer::Say(lines.join("\n")))
        });
    }

    pub(super) fn invite(&self, users: Vec<UserName>, screen: &mut Screen) -> io::Result<()> {
        let Some(group) = self.group(screen)? else { return Ok(()) };
        self.ask(|client| async move {
            client.invite(&group, &users).await?;
            Ok(Answer::Say("Invited.".to_owned()))
        });
        Ok(())
    }

    pub(super) fn join(&self, group: GroupName) {
        self.ask(|client| async move {
            Ok(match client.join(&group, "").await? {
                Some(_) => Answer::Enter(format!("You are in g:{group}."), Address::Group(group)),
                None => Answer::Say(format!("An admin of g:{group} will decide.")),
            })
        });
    }

    pub(super) fn leave(&self, screen: &mut Screen) -> io::Result<()> {
        let Some(group) = self.group(screen)? else { return Ok(()) };
        self.ask(|client| async move {
            client.leave(&group).await?;
            Ok(Answer::Say(format!("You have left g:{group}.")))
        });
        Ok(())
    }

    /// The group that is being looked at.
    pub(super) fn group(&self, screen: &mut Screen) -> io::Result<Option<GroupName>> {
        if let Some(Address::Group(group)) = &self.at {
            return Ok(Some(group.clone()));
        }
        screen.print(&self.paint.red("Only in a group: /to g:GROUP first."))?;
        Ok(None)
    }
}

/// The requests from and to this user, a line each.
async fn waiting(client: &Client, me: &UserName) -> Result<Vec<String>, Failed> {
    let requests = client.friend_requests(ALL).await?.requests;
    Ok(requests.iter().map(|request| asks(request, me)).collect())
}

fn asks(request: &FriendRequest, me: &UserName) -> String {
    let FriendRequest { from, to, message, .. } = request;
    if from == me {
        return format!("{to} is asked to be your friend");
    }
    let words = if message.is_empty() {
        String::new()
    } else {
        format!(" (“{}”)", show::harmless(message))
    };
    format!("{from} asks to be your friend{words}: /friend {from}")
}

fn friend(friend: &Friend) -> String {
    let here = match friend.presence {
        Some(Seen { online: true, .. }) => " ●",
        Some(Seen { online: false, .. }) => " ○",
        None => "",
    };
    let read = if friend.remark.is_empty() { &friend.display_name } else { &friend.remark };
    format!("{}{here}", named(&friend.user, read))
}

fn named(user: &UserName, read: &str) -> String {
    if read.is_empty() {
        format!("  {user}")
    } else {
        format!("  {user} ({})", show::harmless(read))
    }
}
