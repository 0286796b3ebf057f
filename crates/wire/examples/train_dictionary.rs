//! Makes `dict/zstd-1.dict`, the dictionary that both ends of a compressed link share:
//!
//! ```text
//! cargo run -p anser-wire --example train_dictionary
//! ```
//!
//! The samples are made up, but shaped like what is long enough to be compressed: conversation
//! lists, pages of history, JSON of pictures and files, long texts. A new dictionary is a new
//! capability: raise its number with it.

use std::{error::Error, path::Path};

use anser_wire::frame::{ChangeSet, Changes, Conversation, Deliver, Frame, Keep, Log, Page, Send};

/// Large enough for the phrases and names of fields, small enough for a browser to load.
const SIZE: usize = 8 << 10;

const WORDS: &[&str] = &[
    "the",
    "and",
    "you",
    "that",
    "have",
    "for",
    "not",
    "with",
    "this",
    "but",
    "from",
    "they",
    "will",
    "would",
    "there",
    "their",
    "what",
    "about",
    "which",
    "when",
    "make",
    "can",
    "like",
    "time",
    "just",
    "know",
    "take",
    "people",
    "into",
    "year",
    "your",
    "good",
    "some",
    "could",
    "them",
    "see",
    "other",
    "than",
    "then",
    "now",
    "look",
    "only",
    "come",
    "its",
    "over",
    "think",
    "also",
    "back",
    "after",
    "use",
    "two",
    "how",
    "our",
    "work",
    "first",
    "well",
    "way",
    "even",
    "new",
    "want",
    "because",
    "any",
    "these",
    "give",
    "day",
    "most",
    "meeting",
    "tomorrow",
    "today",
    "tonight",
    "please",
    "thanks",
    "sorry",
    "okay",
    "sounds",
    "great",
    "see you",
    "on my way",
    "can you",
    "let me know",
    "I think",
    "I'll be",
    "don't",
    "it's",
    "that's",
    "what's",
    "the build",
    "the server",
    "release",
    "deploy",
    "review",
    "的",
    "我们",
    "你好",
    "谢谢",
    "明天",
    "今天",
    "可以",
    "没有",
    "什么",
    "知道",
    "好的",
    "收到",
    "不是",
    "一个",
    "现在",
    "时候",
    "这个",
    "那个",
    "大家",
    "开会",
    "下午",
    "上午",
    "吃饭",
    "文件",
    "请",
];

const JSON: &[&str] = &[
    r#"{"url":"https://files.example.com/f/{}","name":"photo_{}.jpg","mime":"image/jpeg","size":{},"width":4032,"height":3024,"thumbnail":"data:image/jpeg;base64,/9j/4AAQSkZJRgABAQAAAQABAAD"}"#,
    r#"{"url":"https://files.example.com/f/{}","name":"image_{}.png","mime":"image/png","size":{},"width":1920,"height":1080,"sha256":"{}"}"#,
    r#"{"url":"https://files.example.com/f/{}","name":"report_{}.pdf","mime":"application/pdf","size":{},"sha256":"{}"}"#,
    r#"{"type":"location","latitude":{}.5,"longitude":{}.25,"name":"{}","address":"{}"}"#,
    r#"{"type":"link","url":"https://www.example.com/{}","title":"{}","description":"{}","image":"https://www.example.com/{}.jpg"}"#,
    r#"{"type":"voice","url":"https://files.example.com/f/{}","mime":"audio/ogg","duration":{},"waveform":"{}"}"#,
    r#"{"type":"card","title":"{}","text":"{}","buttons":[{"label":"OK","value":"{}"},{"label":"Cancel","value":"{}"}]}"#,
];

/// A small generator, so that the same program makes the same dictionary.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from.get(self.roll(from.len() as u64) as usize).copied().unwrap_or_default()
    }

    fn text(&mut self, words: u64) -> String {
        let words: Vec<&str> = (0..words).map(|_| self.pick(WORDS)).collect();
        words.join(" ")
    }

    fn json(&mut self) -> String {
        let mut text = String::new();
        for (n, piece) in self.pick(JSON).split("{}").enumerate() {
            if n > 0 {
                text.push_str(&self.roll(1 << 40).to_string());
            }
            text.push_str(piece);
        }
        text
    }

    fn entry(&mut self) -> Deliver {
        let (kind, body) = match self.roll(5) {
            0 => (2 + self.roll(3) as u32, self.json()),
            1 => {
                let words = 30 + self.roll(80);
                (1, self.text(words))
            }
            _ => {
                let words = 2 + self.roll(12);
                (1, self.text(words))
            }
        };
        let seq = self.roll(50_000);
        Deliver {
            seq,
            ord: seq.saturating_sub(self.roll(20)),
            message_id: 0x0198_0000_0000_0000 | self.roll(1 << 48),
            sender: self.text(1),
            client_id: self.client_id(),
            ts: 1_790_000_000_000 + self.roll(1 << 36) as i64,
            kind,
            body,
            ..Deliver::default()
        }
    }

    fn client_id(&mut self) -> Vec<u8> {
        (0..16).map(|_| self.roll(256) as u8).collect()
    }

    fn conversation(&mut self) -> Conversation {
        let head = self.roll(50_000);
        Conversation {
            conv: self.roll(1 << 20),
            at: format!("{}:{}", self.pick(&["u", "g"]), self.text(1)),
            title: self.text(2),
            head,
            last: Some(self.entry()),
            delivered: head,
            read: head.saturating_sub(self.roll(5)),
            peer_delivered: head,
            peer_read: head,
            unread: self.roll(5),
            member: true,
            changed: self.roll(1 << 30),
            mentions: 0,
            keep: Some(Keep::default()),
        }
    }

    fn frame(&mut self) -> Frame {
        match self.roll(8) {
            0 => {
                let conversations = (0..2 + self.roll(6)).map(|_| self.conversation()).collect();
                let token = self.roll(1 << 30);
                let set = ChangeSet { conversations, token, more: true, partial: false };
                Changes { id: 0, set: Some(set) }.into()
            }
            1 => {
                let entries = (0..2 + self.roll(8)).map(|_| self.entry()).collect();
                let log = Log { at: "g:team".into(), entries, head: 9000, ..Log::default() };
                Page { id: 7, log: Some(log) }.into()
            }
            2..=4 => Send {
                id: self.roll(5000) as u32,
                to: format!("u:{}", self.text(1)),
                client_id: self.client_id(),
                kind: 4,
                body: self.json(),
                ..Send::default()
            }
            .into(),
            _ => {
                let at = format!("g:{}", self.text(1));
                Deliver { conv: self.roll(1 << 20), at, ..self.entry() }.into()
            }
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let samples: Vec<Vec<u8>> = (0..6000)
        .map(|_| {
            let mut body = Vec::new();
            dice.frame().put_body(&mut body);
            body
        })
        .collect();
    let dictionary = zstd::dict::from_samples(&samples, SIZE)?;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("dict/zstd-1.dict");
    std::fs::write(&path, &dictionary)?;
    Ok(())
}
