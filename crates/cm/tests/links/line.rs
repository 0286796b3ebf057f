//! A small foreign protocol: lines of text, with STARTTLS and a few ways to misbehave.

use std::time::Duration;

use anser_domain::*;

/// The longest line.
pub(crate) const LINE: usize = 300 * 1024;

#[derive(Default)]
pub(crate) struct Line {
    sends: u64,
}

const LOGIN: Tag = Tag(0);

fn say(turn: &mut Turn<'_>, text: &str) {
    turn.out.put(text.as_bytes());
    turn.out.put(b"\n");
}

impl Line {
    fn line(&mut self, line: &str, turn: &mut Turn<'_>) -> Result<(), Fault> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "LOGIN" => turn.ask(
                LOGIN,
                Command::Login(Box::new(Login {
                    credential: Credential::Password {
                        user: UserName::trusted(rest),
                        password: Secret::new("secret"),
                        device: DeviceName::trusted(rest),
                    },
                    since: None,
                })),
            ),
            "SEND" => {
                let (conv, text) = rest.split_once(' ').unwrap();
                self.sends += 1;
                turn.ask(
                    Tag(self.sends),
                    Command::Send(Box::new(Outgoing {
                        to: Address::Group(GroupName::trusted(conv)),
                        client_id: ClientId::from_text(text),
                        content: Content::Text(text.into()),
                        reply_to: None,
                        mentions: Vec::new(),
                        payload: None,
                        mentions_all: false,
                        forward: None,
                    })),
                );
            }
            "ACK" => {
                let (conv, seq) = rest.split_once(' ').unwrap();
                let (conv, seq) = (ConvId(conv.parse().unwrap()), Seq(seq.parse().unwrap()));
                turn.ask(Tag(0), Command::Delivered { conv, seq });
            }
            "ECHO" => say(turn, rest),
            "SIZE" => say(turn, &rest.len().to_string()),
            "BIG" => {
                let big = bytes::Bytes::from(vec![b'x'; rest.parse().unwrap()]);
                turn.out.share(&big);
                say(turn, "");
            }
            "STARTTLS" => {
                say(turn, "PROCEED");
                turn.upgrade(Upgrade::Tls);
            }
            "DEFLATE" => turn.upgrade(Upgrade::Deflate),
            "PAUSE" => {
                turn.pause_read();
                turn.wake_at(Some(turn.now + Duration::from_secs(10)));
            }
            "WAKE" => turn.wake_at(Some(turn.now + Duration::from_secs(rest.parse().unwrap()))),
            "QUIT" => {
                say(turn, "BYE");
                turn.close(Close::Flush);
            }
            "PANIC" => panic!("as asked"),
            _ => {
                say(turn, "ERROR");
                return Err(Fault::Malformed("no such word"));
            }
        }
        Ok(())
    }
}

impl Session for Line {
    fn open(&mut self, link: &LinkInfo, turn: &mut Turn<'_>) {
        say(turn, &format!("HI tls={} trusted={}", link.tls.is_some(), link.trusted_path));
    }

    fn receive(&mut self, bytes: &[u8], turn: &mut Turn<'_>) -> Result<usize, Fault> {
        let mut done = 0;
        while let Some(end) = bytes[done..].iter().position(|b| *b == b'\n') {
            let line =
                str::from_utf8(&bytes[done..done + end]).map_err(|_| Fault::Malformed("utf8"))?;
            done += end + 1;
            self.line(line, turn)?;
            let wish = &turn.wish;
            if wish.upgrade.is_some() || wish.read_paused || wish.close.is_some() {
                return Ok(done);
            }
        }
        if bytes.len() - done > LINE {
            say(turn, "ERROR");
            return Err(Fault::Malformed("too long a line"));
        }
        Ok(done)
    }

    fn handle(&mut self, input: Input<'_>, turn: &mut Turn<'_>) -> Result<(), Fault> {
        match input {
            Input::Reply(_, Reply::Welcome(welcome)) => {
                say(turn, &format!("WELCOME {}", welcome.user));
            }
            Input::Reply(_, Reply::Sent(sent)) => say(turn, &format!("OK {}", sent.seq)),
            Input::Reply(_, Reply::Refused(refusal)) => {
                say(turn, "NO");
                return Err(Fault::Refused(refusal.clone()));
            }
            Input::Event(Event::Message(it)) => say(
                turn,
                &format!(
                    "MSG {} {} {}",
                    it.message.conv,
                    it.message.seq,
                    it.message.content.body().unwrap_or_default()
                ),
            ),
            Input::Event(Event::Typing(_)) => say(turn, "TYPING"),
            Input::Event(Event::Receipt(_)) => say(turn, "RECEIPT"),
            Input::Synced(token) => say(turn, &format!("SYNCED {token}")),
            Input::TlsUp(info) => say(
                turn,
                &format!(
                    "TLS {} {:?} {}",
                    String::from_utf8_lossy(info.alpn.as_deref().unwrap_or_default()),
                    info.exporter.unwrap_or_default(),
                    info.server_name.as_deref().unwrap_or_default(),
                ),
            ),
            Input::Timeout => {
                if turn.wish.read_paused {
                    turn.resume_read();
                }
                say(turn, "TIMEOUT");
            }
            Input::Writable => say(turn, "WRITABLE"),
            Input::Evict(refusal) => {
                say(turn, &format!("EVICTED {refusal}"));
                turn.close(Close::Flush);
            }
            Input::Drain { retry_after } => {
                say(turn, &format!("DRAIN {}", retry_after.as_millis()));
                turn.close(Close::Flush);
            }
            _ => {}
        }
        Ok(())
    }

    fn credit(&self) -> u32 {
        u32::MAX
    }
}
