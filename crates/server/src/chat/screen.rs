//! Where lines are typed and shown: a terminal, whose last row is being edited while others come
//! in above it; or plain lines, for scripts.

use std::{
    io::{self, IsTerminal as _, Write as _},
    time::Duration,
};

use crossterm::{
    QueueableCommand as _,
    cursor::{MoveTo, MoveToColumn},
    event::{
        DisableBracketedPaste, EnableBracketedPaste, Event, EventStream, KeyCode, KeyEvent,
        KeyEventKind, KeyModifiers,
    },
    style::Print,
    terminal::{self, Clear, ClearType},
};
use futures_util::StreamExt as _;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines, Stdin};
use tui_input::{Input, InputRequest, backend::crossterm::to_input_request};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// What the person at the keyboard has done.
#[derive(Debug, PartialEq)]
pub(super) enum Typed {
    /// A whole line.
    Line(String),
    /// Something was changed: whether anything is there now that is no command.
    Editing(bool),
    /// Enough.
    End,
}

/// Where lines are typed and shown.
pub(super) enum Screen {
    /// A terminal.
    Terminal(Box<Terminal>),
    /// Plain lines.
    Plain(Lines<BufReader<Stdin>>),
}

impl Screen {
    /// A terminal if there is one at both ends.
    pub(super) fn open() -> io::Result<Self> {
        if io::stdin().is_terminal() && io::stdout().is_terminal() {
            Ok(Self::Terminal(Box::new(Terminal::open()?)))
        } else {
            Ok(Self::Plain(BufReader::new(tokio::io::stdin()).lines()))
        }
    }

    /// Whether this is a terminal.
    pub(super) fn is_terminal(&self) -> bool {
        matches!(self, Self::Terminal(_))
    }

    /// What is done next at the keyboard. Cancel-safe: an unfinished line stays.
    pub(super) async fn next(&mut self) -> io::Result<Typed> {
        match self {
            Self::Terminal(terminal) => terminal.next().await,
            Self::Plain(lines) => Ok(lines.next_line().await?.map_or(Typed::End, Typed::Line)),
        }
    }

    /// Shows lines above what is being typed.
    pub(super) fn print(&mut self, text: &str) -> io::Result<()> {
        match self {
            Self::Terminal(terminal) => terminal.print(text),
            Self::Plain(_) => {
                let mut out = io::stdout().lock();
                writeln!(out, "{text}")?;
                out.flush()
            }
        }
    }

    /// Replaces what stands in front of the line that is being typed. Scripts see none.
    pub(super) fn prompt(&mut self, text: &str) -> io::Result<()> {
        match self {
            Self::Terminal(terminal) => terminal.prompt(text),
            Self::Plain(_) => Ok(()),
        }
    }

    /// Words that the tab key completes.
    pub(super) fn words(&mut self, words: Vec<String>) {
        if let Self::Terminal(terminal) = self {
            terminal.words = words;
        }
    }
}

/// A terminal whose last row is edited.
pub(super) struct Terminal {
    events: EventStream,
    input: Input,
    prompt: String,
    words: Vec<String>,
    history: Vec<String>,
    /// The line of `history` that is shown; its length: none.
    at: usize,
}

impl Terminal {
    fn open() -> io::Result<Self> {
        terminal::enable_raw_mode()?;
        let mut out = io::stdout();
        out.queue(EnableBracketedPaste)?;
        out.flush()?;
        Ok(Self {
            events: EventStream::new(),
            input: Input::default(),
            prompt: String::new(),
            words: Vec::new(),
            history: Vec::new(),
            at: 0,
        })
    }

    async fn next(&mut self) -> io::Result<Typed> {
        loop {
            let Some(event) = self.events.next().await else { return Ok(Typed::End) };
            let typed = match event? {
                Event::Key(key) if key.kind != KeyEventKind::Release => self.key(key)?,
                Event::Paste(text) => {
                    // Lines of a paste are one message, not many.
                    for character in text.trim_end().chars() {
                        let character = if character == '\n' { ' ' } else { character };
                        if !character.is_control() {
                            self.input.handle(InputRequest::InsertChar(character));
                        }
                    }
                    Some(self.editing())
                }
                _ => None,
            };
            self.draw()?;
            if let Some(typed) = typed {
                return Ok(typed);
            }
        }
    }

    fn key(&mut self, key: KeyEvent) -> io::Result<Option<Typed>> {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Enter => {
                let line = self.input.value_and_reset();
                if !line.trim().is_empty() && self.history.last() != Some(&line) {
                    self.history.push(line.clone());
                }
                self.at = self.history.len();
                return Ok(Some(Typed::Line(line)));
            }
            KeyCode::Char('c') if control => {
                if self.input.value().is_empty() {
                    return Ok(Some(Typed::End));
                }
                self.input.reset();
            }
            KeyCode::Char('d') if control && self.input.value().is_empty() => {
                return Ok(Some(Typed::End));
            }
            KeyCode::Char('l') if control => {
                io::stdout().queue(Clear(ClearType::All))?.queue(MoveTo(0, 0))?;
            }
            KeyCode::Up => self.recall(self.at.saturating_sub(1)),
            KeyCode::Down => self.recall(self.at + 1),
            KeyCode::Tab => self.complete(),
            _ => {
                if let Some(request) = to_input_request(&Event::Key(key)) {
                    self.input.handle(request);
                }
            }
        }
        Ok(Some(self.editing()))
    }

    fn editing(&self) -> Typed {
        let line = self.input.value();
        Typed::Editing(!line.is_empty() && !line.starts_with('/'))
    }

    fn recall(&mut self, at: usize) {
        self.at = at.min(self.history.len());
        let line = self.history.get(self.at).cloned().unwrap_or_default();
        self.input = Input::new(line);
    }

    fn complete(&mut self) {
        let line = self.input.value();
        let begin = line.rfind(' ').map_or(0, |space| space + 1);
        let (front, word) = line.split_at(begin);
        if let Some(whole) = completed(word, &self.words) {
            self.input = Input::new(format!("{front}{whole}"));
        }
    }

    fn prompt(&mut self, text: &str) -> io::Result<()> {
        if self.prompt != text {
            text.clone_into(&mut self.prompt);
            self.draw()?;
        }
        Ok(())
    }

    fn print(&mut self, text: &str) -> io::Result<()> {
        let mut out = io::stdout();
        out.queue(MoveToColumn(0))?.queue(Clear(ClearType::FromCursorDown))?;
        for line in text.lines() {
            // Raw mode does not return the carriage by itself.
            out.queue(Print(line))?.queue(Print("\r\n"))?;
        }
        self.draw()
    }

    /// One row, whatever its content: what does not fit is scrolled sideways.
    fn draw(&self) -> io::Result<()> {
        let columns = usize::from(terminal::size().map_or(80, |size| size.0)).max(10);
        let prompt = clipped(&self.prompt, 0, columns * 2 / 3);
        let field = columns.saturating_sub(prompt.width() + 1);
        let scroll = self.input.visual_scroll(field);
        let cursor = prompt.width() + self.input.visual_cursor().saturating_sub(scroll);
        let mut out = io::stdout();
        out.queue(MoveToColumn(0))?
            .queue(Clear(ClearType::FromCursorDown))?
            .queue(Print(&prompt))?
            .queue(Print(clipped(self.input.value(), scroll, field)))?
            .queue(MoveToColumn(u16::try_from(cursor).unwrap_or(u16::MAX)))?;
        out.flush()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let mut out = io::stdout();
        // The terminal may be gone.
        let _ = out
            .queue(MoveToColumn(0))
            .and_then(|out| out.queue(Clear(ClearType::FromCursorDown)))
            .and_then(|out| out.queue(DisableBracketedPaste))
            .and_then(|out| out.flush());
        let _ = terminal::disable_raw_mode();
    }
}

/// The part of `text` that is shown in `columns` columns from column `from` on.
fn clipped(text: &str, from: usize, columns: usize) -> String {
    let mut column = 0;
    let mut shown = String::new();
    for character in text.chars() {
        let width = character.width().unwrap_or(0);
        if column >= from && column + width <= from + columns {
            shown.push(character);
        }
        column += width;
    }
    shown
}

/// What `word` can only become, as far as all words that begin with it agree.
fn completed(word: &str, words: &[String]) -> Option<String> {
    let mut fitting = words.iter().filter(|it| !word.is_empty() && it.starts_with(word));
    let mut whole = fitting.next()?.clone();
    for other in fitting {
        let common = whole.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
        whole = whole.chars().take(common).collect();
    }
    (whole.len() > word.len()).then_some(whole)
}

/// How often what moves by itself (a countdown) is drawn.
pub(super) const TICK: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_are_never_cut_in_half() {
        assert_eq!(clipped("鸿雁abc", 0, 3), "鸿");
        assert_eq!(clipped("鸿雁abc", 2, 3), "雁a");
        assert_eq!(clipped("abc", 1, 10), "bc");
    }

    #[test]
    fn words_are_completed_as_far_as_they_agree() {
        let words = ["/to", "u:bob", "u:bobby", "g:geese"].map(str::to_owned);
        assert_eq!(completed("u:b", &words), Some("u:bob".into()));
        assert_eq!(completed("g:", &words), Some("g:geese".into()));
        assert_eq!(completed("u:bob", &words), None);
        assert_eq!(completed("", &words), None);
    }
}
