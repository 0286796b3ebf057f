//! What is done to messages that stand: answered, edited, taken back, reacted to, looked for.

use std::io;

use anser_client::Sending;
use anser_domain::{Address, Seq};

use super::{Answer, App, now};
use crate::chat::{screen::Screen, show};

/// Messages that a search shows.
const HITS: u32 = 20;

impl App {
    /// The message that a command means: the one it names, or else the newest, own or any.
    fn meant(
        &self,
        seq: Option<Seq>,
        own: bool,
        screen: &mut Screen,
    ) -> io::Result<Option<(Address, Seq)>> {
        let Some(at) = &self.at else {
            screen.print(&self.paint.red("Where? /to u:NAME or /to g:GROUP first."))?;
            return Ok(None);
        };
        let talk = self.talks.get(at);
        let newest = talk.and_then(|talk| if own { talk.own } else { talk.newest });
        match seq.or(newest) {
            Some(seq) => Ok(Some((at.clone(), seq))),
            None => {
                let text = "Which message? None was seen here yet; say its number, such as #12.";
                screen.print(&self.paint.red(text))?;
                Ok(None)
            }
        }
    }

    pub(super) fn reply(
        &mut self,
        seq: Option<Seq>,
        text: &str,
        screen: &mut Screen,
    ) -> io::Result<Option<(Address, Sending)>> {
        match self.meant(seq, false, screen)? {
            Some((_, seq)) => self.say(text, Some(seq), screen),
            None => Ok(None),
        }
    }

    pub(super) fn edit(
        &self,
        seq: Option<Seq>,
        text: String,
        screen: &mut Screen,
    ) -> io::Result<()> {
        let Some((at, seq)) = self.meant(seq, true, screen)? else { return Ok(()) };
        self.ask(|client| async move {
            client.edit(&at, seq, &text, &[]).await?;
            Ok(Answer::Note(Some(format!("you edited #{seq}: {}", show::harmless(&text)))))
        });
        Ok(())
    }

    pub(super) fn recall(&self, seq: Option<Seq>, screen: &mut Screen) -> io::Result<()> {
        let Some((at, seq)) = self.meant(seq, true, screen)? else { return Ok(()) };
        self.ask(|client| async move {
            client.recall(&at, seq).await?;
            Ok(Answer::Note(Some(format!("you recalled #{seq}"))))
        });
        Ok(())
    }

    pub(super) fn react(
        &self,
        seq: Option<Seq>,
        reaction: String,
        on: bool,
        screen: &mut Screen,
    ) -> io::Result<()> {
        let Some((at, seq)) = self.meant(seq, false, screen)? else { return Ok(()) };
        self.ask(|client| async move {
            client.react(&at, seq, &reaction, on).await?;
            let reaction = show::harmless(&reaction);
            Ok(Answer::Note(Some(match on {
                true => format!("you reacted to #{seq}: {reaction}"),
                false => format!("you took {reaction} back from #{seq}"),
            })))
        });
        Ok(())
    }

    pub(super) fn search(&self, words: String) {
        let (me, paint) = (self.me.clone(), self.paint);
        self.ask(|client| async move {
            let page = client.search(&words, None, None, HITS).await?;
            let mut lines: Vec<String> = page
                .hits
                .iter()
                .map(|hit| show::entry(&hit.message, &me, now(), true, paint))
                .collect();
            // Oldest first, as everything else is shown.
            lines.reverse();
            if lines.is_empty() {
                lines.push("Nothing found.".to_owned());
            } else if page.next.is_some() {
                lines.insert(0, paint.dim("… and perhaps more; say more words"));
            }
            Ok(Answer::Say(lines.join("\n")))
        });
    }
}
