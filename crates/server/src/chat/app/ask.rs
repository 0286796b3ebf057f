//! What is asked in the background: the answer comes when it does, and the prompt stays alive.

use std::io;

use anser_client::{Client, ErrorCode, Failed, Range};
use anser_domain::{Address, GroupName, GroupRole, UserName};

use super::{Answer, App};
use crate::chat::screen::Screen;

/// Conversations that are listed.
const LIST: u32 = 50;

impl App {
    pub(super) fn ask<F>(&self, question: impl FnOnce(Client) -> F)
    where
        F: Future<Output = Result<Answer, Failed>> + Send + 'static,
    {
        let (answers, question) = (self.answers.clone(), question(self.client.clone()));
        tokio::spawn(async move {
            let answer = question.await.unwrap_or_else(|failed| Answer::Wrong(failed.to_string()));
            // The chat may be over.
            let _ = answers.send(answer);
        });
    }

    pub(super) fn list(&self) {
        self.ask(|client| async move {
            Ok(Answer::List(client.conversations(None, LIST).await?.conversations))
        });
    }

    pub(super) fn history(&self, count: u32) {
        let Some(at) = self.at.clone() else { return };
        self.ask(|client| async move {
            match client.history(&at, Range::Latest, count).await {
                Ok(page) => Ok(Answer::History(at, page.messages)),
                // A direct conversation comes into being with its first message.
                Err(Failed::Refused(refused))
                    if matches!(at, Address::User(_))
                        && refused.code() == Some(ErrorCode::NotMember) =>
                {
                    Ok(Answer::History(at, Vec::new()))
                }
                Err(other) => Err(other),
            }
        });
    }

    pub(super) fn who(&self, screen: &mut Screen) -> io::Result<()> {
        let online = self.online.clone();
        let here = move |name: &UserName| match online.get(name) {
            Some(true) => " ●",
            Some(false) => " ○",
            None => "",
        };
        match self.at.clone() {
            None => screen.print("Nowhere yet; /to u:NAME or /to g:GROUP."),
            Some(Address::User(peer)) => {
                let state = match self.online.get(&peer) {
                    Some(true) => "online",
                    Some(false) => "offline",
                    None => "not seen since you came",
                };
                screen.print(&format!("{} and {peer} ({state})", self.me))
            }
            Some(Address::Group(group)) => {
                self.ask(|client| async move {
                    let (members, more) = client.members(&group, None, 500).await?;
                    let names = members.iter().map(|(name, role)| match role {
                        Some(GroupRole::Owner) => format!("{name} (owner){}", here(name)),
                        Some(GroupRole::Admin) => format!("{name} (admin){}", here(name)),
                        _ => format!("{name}{}", here(name)),
                    });
                    let names = names.collect::<Vec<_>>().join(", ");
                    let more = if more { " and more" } else { "" };
                    Ok(Answer::Say(format!("{names}{more}")))
                });
                Ok(())
            }
        }
    }

    pub(super) fn make_group(&self, name: GroupName, users: Vec<UserName>) {
        self.ask(|client| async move {
            client.create_group(&name, "", &users).await?;
            Ok(Answer::Enter(format!("Made g:{name}."), Address::Group(name)))
        });
    }

    pub(super) fn members(
        &self,
        users: Vec<UserName>,
        add: bool,
        screen: &mut Screen,
    ) -> io::Result<()> {
        let Some(group) = self.group(screen)? else { return Ok(()) };
        self.ask(|client| async move {
            if add {
                client.put_members(&group, &users, GroupRole::Member).await?;
                Ok(Answer::Say("Done.".to_owned()))
            } else {
                client.remove_members(&group, &users).await?;
                Ok(Answer::Say("Done.".to_owned()))
            }
        });
        Ok(())
    }
}
