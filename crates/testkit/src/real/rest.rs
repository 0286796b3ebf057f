//! REST, as apps call it.

use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use crate::checker::{self, Ack, Body, Entry, Row, User};

/// Entries or rows of a page.
const PAGE: usize = 200;
/// Every user's password: they live in a directory that is thrown away.
const PASSWORD: &str = "a goose carries letters";

/// How long a call may take that others make again.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);

/// What came of a send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sending {
    /// It stands there.
    Stored(Ack),
    /// Not now.
    Later,
    /// For good.
    Refused,
}

/// A REST client.
pub struct Rest {
    client: Client,
    base: String,
}

/// A signed-in device.
#[derive(Clone, Debug)]
pub struct Login {
    /// Whose.
    pub user: User,
    /// Its access token.
    pub token: String,
}

impl Rest {
    /// A client of the server at `base`, such as `http://127.0.0.1:8080`.
    #[must_use]
    pub fn new(base: String) -> Self {
        Self { client: Client::new(), base }
    }

    /// Makes an account.
    ///
    /// # Errors
    /// The server said no, or nothing.
    pub async fn create_user(&self, user: &str) -> Result<()> {
        let body = json!({"user": user, "password": PASSWORD});
        self.call(Method::POST, "/v1/users", None, Some(body)).await?;
        Ok(())
    }

    /// Signs a device in.
    ///
    /// # Errors
    /// The server said no, or nothing.
    pub async fn login(&self, user: &str, device: &str) -> Result<Login> {
        let body = json!({"user": user, "password": PASSWORD, "device": device});
        let answer = self.call(Method::POST, "/v1/auth/login", None, Some(body)).await?;
        let token = text(&answer, "access_token")?;
        Ok(Login { user: user.into(), token })
    }

    /// Where a device that signs in is told to link.
    ///
    /// # Errors
    /// The server said no, or nothing.
    pub async fn gateways(&self, user: &str) -> Result<Vec<String>> {
        let body = json!({"user": user, "password": PASSWORD, "device": "rest"});
        let answer = self.call(Method::POST, "/v1/auth/login", None, Some(body)).await?;
        let told = answer.get("gateways").and_then(Value::as_array).context("no gateways")?;
        Ok(told.iter().filter_map(|it| it.as_str().map(str::to_owned)).collect())
    }

    /// Makes a group.
    ///
    /// # Errors
    /// The server said no, or nothing.
    pub async fn create_group(&self, by: &Login, id: &str, members: &[User]) -> Result<()> {
        let members: Vec<&str> = members.iter().map(AsRef::as_ref).collect();
        let body = json!({"id": id, "title": id, "members": members});
        self.call(Method::POST, "/v1/groups", Some(by), Some(body)).await?;
        Ok(())
    }

    /// Sends a text under a key that a retry has too.
    ///
    /// # Errors
    /// No answer came.
    pub async fn send(&self, by: &Login, at: &str, key: &str, text: &str) -> Result<Sending> {
        let url = format!("{}/v1/conversations/{at}/messages", self.base);
        let request = self.client.post(url).bearer_auth(&by.token).header("Idempotency-Key", key);
        let body = json!({"kind": "text", "text": text});
        let response = request.json(&body).timeout(PATIENCE).send().await?;
        let status = response.status();
        if status.is_success() {
            let answer: Value = response.json().await?;
            let id = self::text(&answer, "id")?.parse()?;
            return Ok(Sending::Stored(Ack { seq: number(&answer, "seq")?, id }));
        }
        // Retry-After is where a problem is one of the moment.
        let retriable = response.headers().contains_key("retry-after") || status.is_server_error();
        Ok(if retriable { Sending::Later } else { Sending::Refused })
    }

    /// Keeps `peer` from writing to the caller.
    ///
    /// # Errors
    /// The server said no, or nothing.
    pub async fn block(&self, by: &Login, peer: &str) -> Result<()> {
        let url = format!("{}/v1/blocks/{peer}", self.base);
        let request = self.client.put(url).bearer_auth(&by.token).timeout(PATIENCE);
        request.send().await?.error_for_status()?;
        Ok(())
    }

    /// Which of the caller's devices are shown as linked.
    ///
    /// # Errors
    /// The server said no, or nothing, or something that is no list.
    pub async fn online(&self, viewer: &Login) -> Result<Vec<(String, bool)>> {
        let list = self.call(Method::GET, "/v1/devices", Some(viewer), None).await?;
        let shown = |it: &Value| {
            let online = it.get("online").and_then(Value::as_bool);
            Ok((text(it, "device")?, online.context("no online")?))
        };
        array(&list, "devices")?.iter().map(shown).collect()
    }

    /// A whole log, as `viewer` sees it.
    ///
    /// # Errors
    /// The server said no, or nothing, or something that is no page.
    pub async fn log(&self, viewer: &Login, at: &str) -> Result<Vec<Entry>> {
        let mut log = Vec::new();
        let mut after = 0;
        loop {
            let path = format!("/v1/conversations/{at}/messages?after={after}&limit={PAGE}");
            let page = self.call(Method::GET, &path, Some(viewer), None).await?;
            for message in array(&page, "messages")? {
                log.push(entry(message)?);
            }
            let last = log.last().map_or(after, |entry: &Entry| entry.seq);
            if page.get("more").and_then(Value::as_bool) != Some(true) {
                return Ok(log);
            }
            if last <= after {
                bail!("a page of {at} after {after} says there is more and has nothing");
            }
            after = last;
        }
    }

    /// Everything in a user's conversation list, with each conversation's address.
    ///
    /// # Errors
    /// The server said no, or nothing, or something that is no list.
    pub async fn rows(&self, viewer: &Login) -> Result<Vec<(String, Row)>> {
        let mut rows = Vec::new();
        let mut cursor = String::new();
        loop {
            let path = format!("/v1/conversations?limit={PAGE}{cursor}");
            let page = self.call(Method::GET, &path, Some(viewer), None).await?;
            for row in array(&page, "conversations")? {
                let at = text(row, "conv")?;
                let conv = checker::conv(&viewer.user, &at);
                let (read, unread) = (number(row, "read")?, number(row, "unread")?);
                let user = viewer.user.clone();
                rows.push((at, Row { user, conv, read, unread, asked: 0 }));
            }
            match page.get("next").and_then(Value::as_str) {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(rows),
            }
        }
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        login: Option<&Login>,
        body: Option<Value>,
    ) -> Result<Value> {
        let mut request: RequestBuilder =
            self.client.request(method, format!("{}{path}", self.base));
        if let Some(login) = login {
            request = request.bearer_auth(&login.token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await?;
        let status = response.status();
        let answer = response.text().await?;
        if !status.is_success() {
            bail!("{path}: {status}: {answer}");
        }
        serde_json::from_str(&answer).with_context(|| format!("{path}: {answer}"))
    }
}

fn entry(message: &Value) -> Result<Entry> {
    let body = match message.get("event") {
        None if message.get("gone").is_some() => Body::Gone,
        None => Body::Text(checker::digest(&text(message, "text")?)),
        Some(event) => {
            let names = || {
                let members = array(event, "members")?.iter();
                members.map(|member| Ok(Arc::from(text(member, "user")?))).collect::<Result<_>>()
            };
            match event.get("type").and_then(Value::as_str) {
                Some("created" | "joined") => Body::In(names()?),
                Some("removed") => Body::Out(names()?),
                Some("recalled") => Body::Recalled(number(event, "seq")?),
                Some("edited") => Body::Edited(number(event, "seq")?),
                other => bail!("an event of type {other:?}"),
            }
        }
    };
    Ok(Entry {
        seq: number(message, "seq")?,
        id: text(message, "id")?.parse()?,
        sender: text(message, "sender")?.into(),
        body,
        quotes: message.get("reply_to").and_then(Value::as_u64),
    })
}

fn text(value: &Value, key: &str) -> Result<String> {
    Ok(value
        .get(key)
        .and_then(Value::as_str)
        .with_context(|| format!("no {key} in {value}"))?
        .to_owned())
}

fn number(value: &Value, key: &str) -> Result<u64> {
    value.get(key).and_then(Value::as_u64).with_context(|| format!("no {key} in {value}"))
}

fn array<'a>(value: &'a Value, key: &str) -> Result<&'a [Value]> {
    let array = value.get(key).and_then(Value::as_array);
    Ok(array.with_context(|| format!("no {key} in {value}"))?)
}
