//! The settings themselves: one row a key, whose comment is what `anser config default` prints
//! above it. A bound says why it is what it is.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use anser_client::Endpoint;
use anser_domain::{MediaRange, UserName};
use anser_sm::{OnWord, Unanswered, rule::WhoMayWrite};
use anser_web::Origin;
use ipnet::IpNet;

use super::{
    kind::{Days, Discovery, LogFormat, OptionalPath, Pace, Setting, Size},
    table::{BadDefault, Key, Section, settings},
};

settings! {
    /// The server as a whole.
    server: Server {
        /// The domain that users belong to: the part after the @ where a protocol has one.
        domain: String = "localhost",
        /// Where everything that lasts is kept: the database, the certificate made at the first
        /// start, listen.json. Made at the first start, readable by its owner only.
        data_dir: PathBuf = "./anser-data",
    }

    /// Where connections are taken. Port 0 picks a free one; DATA_DIR/listen.json says which.
    listen: Listen {
        /// REST under /v1, its description at /openapi.json, the native protocol over WebSocket
        /// at /ws. TLS and plain on the same port.
        http: SocketAddr = "127.0.0.1:8080",
        /// The native protocol over TCP, TLS and plain on the same port.
        native: SocketAddr = "127.0.0.1:7700",
        /// Where an SM of its own (anser sm) takes the CMs and Webs. Other machines are taken
        /// under mutual TLS only: see [cluster].
        sm: SocketAddr = "127.0.0.1:7800",
        /// /metrics, /livez and /readyz. Nobody has to log in here: keep it to this machine or a
        /// network of your own.
        admin: SocketAddr = "127.0.0.1:8081",
        /// Whether connections without TLS are taken from other machines too. Passwords and
        /// messages are readable on their way then: only behind a proxy that ends TLS, or on a
        /// network of your own.
        plaintext: bool = "false",
    }

    /// What web pages and proxies may do.
    web: Web {
        /// Names that people reach this server by, beside localhost, IP addresses and
        /// [server] domain. Requests for other hosts are refused, so that no foreign site can
        /// pass for this one.
        hosts: Vec<String> = "",
        /// Other sites whose pages may call, such as "https://app.example.org".
        origins: Vec<Origin> = "",
        /// Proxies that speak HTTP for their clients, as networks or addresses: what they say in
        /// Forwarded, or X-Forwarded-For and X-Forwarded-Proto, is believed.
        trusted_proxies: Vec<IpNet> = "",
        /// Where clients are told to link, best first, as URLs. Empty: the listeners above; for a Web
        /// of its own the CMs that are there, where [cluster] discovery finds them.
        gateways: Vec<Endpoint> = "",
    }

    /// Proxies that pass on whole connections (HAProxy, load balancers of clouds) and say for
    /// whom by the PROXY protocol, version 1 or 2.
    proxy: Proxy {
        /// Their networks or addresses. Whoever comes from one has to begin each connection to
        /// [listen] http or native with a PROXY header; from anyone else it is a mistake.
        trusted: Vec<IpNet> = "",
    }

    /// The certificate shown to TLS clients. Without one, the first start makes a certificate
    /// for this machine only (localhost, 127.0.0.1, ::1) in the data directory, renewed before it
    /// ends. New files are taken without a restart, within seconds or at once on SIGHUP.
    tls: Tls {
        /// The certificate chain, PEM, the server's own certificate first.
        cert: OptionalPath = "",
        /// Its private key, PEM.
        key: OptionalPath = "",
    }

    /// What must last.
    store: Store {
        /// sqlite:PATH: a file of this process; a relative path starts at the data directory.
        /// mysql://USER@HOST[:PORT]/DATABASE: MySQL or MariaDB, which several SMs share. The
        /// password belongs into the environment: ANSER_STORE_PASSWORD.
        url: String = "sqlite:anser.db",
    }

    /// Who is linked where. Can be lost at any time without harm.
    routes: Routes {
        /// memory: inside this process. redis://HOST, redis-sentinel://HOST,HOST/MASTER or
        /// redis-cluster://HOST,HOST: in Redis or Valkey, for several processes; rediss under
        /// TLS, which other machines need. A password belongs into the environment:
        /// ANSER_ROUTES__URL.
        url: String = "memory",
    }

    /// How roles in processes of their own (anser cm, anser sm, anser web) find and trust each
    /// other. Of no use to anser serve.
    cluster: Cluster {
        /// How a CM and a Web know the SMs: "list" takes those of sms, "redis" those that have put
        /// themselves into the Redis of [routes] url, which all roles then need.
        discovery: Discovery = "list",
        /// The SMs, as HOST:PORT, best all of them: a CM and a Web speak to each. For discovery
        /// by a list.
        sms: Vec<String> = "",
        /// Where the other roles reach this one, as HOST:PORT, for discovery by Redis. Empty: where
        /// it listens, which will do on one machine, or where it listens at one address.
        advertise: String = "",
        /// Where clients link to this CM, best first, as URLs such as "tls://cm1.example.org:7700",
        /// for discovery by Redis: Webs tell them so. Empty: its listeners.
        gateways: Vec<Endpoint> = "",
        /// The authority that signed the certificate of every role, PEM. With it, certificate
        /// and key, roles speak under mutual TLS; without, on this machine only.
        ca: OptionalPath = "",
        /// This role's certificate chain, PEM, its own certificate first.
        certificate: OptionalPath = "",
        /// Its private key, PEM.
        key: OptionalPath = "",
        /// The name that the certificate of every role bears.
        name: String = "anser",
    }

    /// Logging in.
    auth: Auth {
        /// How long an access token counts; a refresh token gets the next one. Short, because
        /// whoever copied one can use it so long.
        access_token: Duration = "15 min",
        /// How long a link may come back with its resume ticket, without a new login.
        ticket: Duration = "7 d",
        /// How often a password is hashed (PBKDF2 with SHA-256) before it is kept. More makes
        /// guessing from a stolen database dearer, and every login too. Counts from the next
        /// change of each password.
        scram_iterations: u32 = "100000",
        /// Whether anyone may make an account with POST /v1/users. Otherwise administrators do.
        registration: bool = "false",
    }

    /// What may be done to messages, and who is told what of them.
    messages: Messages {
        /// For so long their senders may take messages back. Long enough to notice a slip, short
        /// enough that a conversation is not taken apart behind those who have read it. Groups'
        /// admins may at any time.
        recall: Duration = "2 min",
        /// For so long their senders may change messages. Everyone sees that one was edited.
        edit: Duration = "1 d",
        /// In groups of more members only admins call everybody: it rings for each of them.
        mention_all_up_to: u32 = "50",
        /// Up to so many members a group is told who has read what: each read tells everyone.
        receipts_up_to: u32 = "500",
    }

    /// Groups and channels.
    groups: Groups {
        /// Whether people come into groups by their own consent only. Otherwise a group's admins
        /// may put anyone in, as in a company, where nobody wonders at it.
        consent: bool = "false",
    }

    /// Who may do what with whom.
    policy: Policy {
        /// Who may write to whom outside groups: anyone to everyone, or friends to each other.
        /// Nobody writes across a block, and everybody may write to themself.
        who_may_write: WhoMayWrite = "anyone",
        /// Whom notices of the server are from. The first notice makes this user; nobody can
        /// register under the name.
        notice_sender: UserName = "system",
    }

    /// Bounds, so that no client and no burst can take more than its share.
    limits: Limits {
        /// The longest text of a message, 64 KiB at most. Longer ones belong into files.
        text: Size = "16 KiB",
        /// The longest JSON of an image, file or custom message, 64 KiB at most.
        data: Size = "64 KiB",
        /// The longest frame a link may send, 192 KiB at least so that every message fits. It is
        /// held in memory whole before it can be read.
        frame: Size = "256 KiB",
        /// How much may wait for a link that reads slowly. Beyond a quarter of it typing and
        /// presence are dropped, beyond all of it messages wait in the log.
        mailbox: Size = "256 KiB",
        /// Open links of one process. Each costs a file descriptor and about 1 KiB.
        links: u32 = "1000000",
        /// New connections from one address (IPv6: one /64 network), this machine aside. Ten
        /// seconds' worth may come at once, as with all rates: an office comes back together.
        connections: Pace = "200/s",
        /// Log entries that one user may send, whatever the protocol. Many times what people type:
        /// a bound on what a broken or hostile client can do to everyone's disk.
        sends: Pace = "1000/s",
        /// Log entries of one conversation, by all who are in it. Each goes to every member.
        conversation: Pace = "2000/s",
        /// What else one user may ask, over links and REST.
        calls: Pace = "500/s",
        /// Sign-ins, refreshes and new accounts from one address. Each may cost a hash.
        logins: Pace = "10/s",
        /// Other REST calls without a token from one address: documents and pages.
        anonymous: Pace = "100/s",
        /// How long a new connection may take to log in.
        login: Duration = "10 s",
        /// HTTP connections at a time, links over WebSocket aside. Browsers keep a few each.
        http_connections: u32 = "10000",
        /// How long an HTTP client may take to send a request's head, and how long a connection
        /// without requests is kept.
        request_head: Duration = "15 s",
        /// How often a silent link has to show that it is alive, unless its client asks for
        /// another time. Below what common routers wait before they forget a connection.
        heartbeat: Duration = "60 s",
        /// How long a stop may take: links are told to come back later, and what was asked is
        /// answered.
        drain: Duration = "5 s",
    }

    /// What is sent to HTTP servers of others: notifications, webhooks.
    egress: Egress {
        /// Networks that may be reached although they are not the public Internet, such as
        /// "10.1.2.0/24": your own receivers. Plain http is taken there too. Addresses come from
        /// users as well, so that everything else that is private is refused.
        allow: Vec<IpNet> = "",
        /// Further certificate authorities, PEM, beside the machine's own.
        ca: OptionalPath = "",
    }

    /// Notifications for devices that have no link. Each service needs keys; see the page "Push".
    push: Push {
        /// Whether they hold what was written. Apple and Google can read it; with false the app
        /// says in its own words that there is something.
        body: bool = "true",
        /// Whether someone who is called by name hears of it in a muted conversation.
        mentions: bool = "true",
        /// How long messages of a conversation are gathered into one notification.
        gather: Duration = "1 s",
        /// After so long a notification that could not be handed over is of no use any more.
        expire: Duration = "1 d",
    }

    /// Apple's push service.
    push_apns: PushApns {
        /// The .p8 file with the key. Empty: no pushes to Apple's devices.
        key: OptionalPath = "",
        /// The key's id.
        key_id: String = "",
        /// The team's id.
        team_id: String = "",
        /// Bundle ids that may register; empty: every one that the key is good for.
        apps: Vec<String> = "",
        /// Where production builds are reached.
        url: String = "https://api.push.apple.com",
        /// Where development builds are reached.
        sandbox_url: String = "https://api.sandbox.push.apple.com",
    }

    /// Google's push service.
    push_fcm: PushFcm {
        /// The service account's JSON file. Empty: no pushes by Google.
        account: OptionalPath = "",
        /// Where it is reached.
        url: String = "https://fcm.googleapis.com",
    }

    /// Push to browsers.
    push_web: PushWeb {
        /// Whom a push service may complain to, such as "mailto:ops@example.org". Empty: no
        /// pushes to browsers.
        contact: String = "",
        /// The server's key, PEM (PKCS #8, P-256). Empty: DATA_DIR/vapid.pem, made when missing.
        key: OptionalPath = "",
    }

    /// Push by a server of your own: a signed POST for each notification.
    push_webhook: PushWebhook {
        /// Where it listens. Empty: none.
        url: String = "",
        /// What it checks signatures with, such as "whsec_…"; two while one is exchanged.
        secrets: Vec<String> = "",
    }

    /// The app's say before a message is sent; see the page "Before a message is sent".
    before_send: BeforeSend {
        /// Where each new message and each edit is asked about, by a signed POST. Empty: nobody
        /// is asked.
        url: String = "",
        /// What it checks signatures with, such as "whsec_…"; two while one is exchanged.
        secrets: Vec<String> = "",
        /// For so long an answer is waited for. Everyone who sends waits as long as it takes.
        within: Duration = "2 s",
        /// What becomes of a message without an answer: "deny" refuses it for now, and clients
        /// send it again by themselves; "allow" sends it unseen.
        unanswered: Unanswered = "deny",
        /// So many are asked about at a time. It bounds what your server is asked to bear.
        at_once: u32 = "64",
        /// After so many in a row without an answer nobody is asked for a while; 0: never. So an
        /// address where nobody listens does not make everyone who sends wait.
        failures: u32 = "5",
        /// For so long. Messages then meet what "unanswered" says at once; after it one is asked
        /// about, and an answer ends it.
        rest: Duration = "10 s",
    }

    /// Words that are not to be said; see the page "Before a message is sent".
    filter: Filter {
        /// A file with a word, or several in a row, on each line; # begins a comment. Empty: none.
        /// It is read again within seconds of a change, or at once on SIGHUP.
        words: OptionalPath = "",
        /// What is done about a message that has one: "deny" refuses it, "mask" puts stars in the
        /// place of the word. Names are refused anyway.
        action: OnWord = "deny",
    }

    /// Files that users store, and where they are kept.
    files: Files {
        /// A directory, which starts at the data directory when it is relative; or a bucket of an
        /// S3-compatible store: s3://BUCKET/PREFIX.
        url: String = "files",
        /// Where the bucket's store is, if not Amazon's: https://minio.example.org:9000
        endpoint: String = "",
        /// The bucket's region. Empty: AWS_REGION.
        region: String = "",
        /// The id of the bucket's access key. Empty: AWS_ACCESS_KEY_ID and what else AWS's own
        /// tools look for.
        access_key: String = "",
        /// The secret of the access key. Better given as ANSER_FILES__SECRET_KEY than in a file.
        secret_key: String = "",
        /// The largest file.
        size: Size = "100 MiB",
        /// What one user's files may take together.
        quota: Size = "2 GiB",
        /// How many files one user may have. Each is a row and a blob, however small.
        count: u32 = "100000",
        /// The media types that are taken: "image/png", "image/*", or "*/*" for all. Whatever the
        /// type, nothing is served in a form that a browser would run.
        types: Vec<MediaRange> = "*/*",
        /// How many days a file is kept, public ones such as avatars aside; 0: until its owner
        /// deletes it.
        keep_days: Days = "0",
        /// How long an upload may lie still before it is given up: a night without a network.
        unfinished: Duration = "1 d",
    }

    /// The log on standard error. Never holds messages, passwords or tokens.
    log: Log {
        /// error, warn, info, debug or trace; or by part: info,anser_cm=debug
        level: String = "info",
        /// text or json.
        format: LogFormat = "text",
    }
}
