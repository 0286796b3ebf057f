//! What people write into settings, and what they are told.

use super::*;

fn told(text: &str) -> String {
    assemble(Some((Path::new("a.toml"), text)), Vec::new(), &[]).unwrap_err().to_string()
}

fn told_by_environment(name: &str, value: &str) -> String {
    assemble(None, vec![(name.into(), value.into())], &[]).unwrap_err().to_string()
}

#[test]
fn the_default_file_is_right_and_says_what_the_defaults_are() {
    let file = default_file();
    let read = assemble(Some((Path::new("a.toml"), &file)), Vec::new(), &[]).unwrap();
    assert_eq!(format!("{read:?}"), format!("{:?}", Config::defaults().unwrap()));
}

#[test]
fn every_key_explains_itself() {
    for section in keys::SECTIONS {
        assert!(!section.doc.is_empty(), "[{}]", section.name);
        for key in section.keys {
            assert!(!key.doc.is_empty(), "[{}] {}", section.name, key.name);
        }
    }
}

#[test]
fn a_mistake_is_told_with_its_place_and_what_would_be_right() {
    assert_eq!(
        told("[listen]\n  htpp = \"127.0.0.1:1\"\n"),
        "a.toml:2:3: [listen] htpp: no such key; did you mean http?"
    );
    assert_eq!(
        told("# 鸿雁\n[listen]\nhttp = 8080\n"),
        "a.toml:3:8: [listen] http: expected an address and port such as \"127.0.0.1:8080\" or \
         \"[::1]:0\", found the number 8080"
    );
    assert_eq!(
        told("[lisen]\nhttp = 1\n"),
        "a.toml:1:2: [lisen]: no such section; did you mean listen?"
    );
    assert_eq!(told("domain = \"x\"\n"), "a.toml:1:1: domain belongs under [server]");
    assert_eq!(
        told("[server]\nnative = \"x\"\n"),
        "a.toml:2:1: [server] native: no such key here; it belongs under [listen]"
    );
    assert_eq!(
        told("[listen]\nplaintext = \"yes\"\n"),
        "a.toml:2:13: [listen] plaintext: expected true or false, found the text \"yes\""
    );
    assert!(told("[server\n").starts_with("a.toml:1:"));
    assert_eq!(
        told("server = 1\n"),
        "a.toml:1:1: server is a section: write [server] on a line of its own"
    );
    assert_eq!(
        told("[server]\nmoon = 1\n"),
        "a.toml:2:1: [server] moon: no such key; there are domain, data_dir"
    );
}

#[test]
fn an_error_is_one_line_whatever_the_file() {
    for text in ["[", "a", "a = ", "\"", "[server]\ndomain = 'x\n", "[a]\n[a]\n", "x = [1,\n"] {
        assert_eq!(told(text).lines().count(), 1, "{text:?}: {}", told(text));
    }
}

#[test]
fn the_environment_wins_over_the_file_and_flags_over_both() {
    let file =
        "[listen]\nhttp = \"127.0.0.1:1\"\nnative = \"127.0.0.1:2\"\nadmin = \"127.0.0.1:3\"\n";
    let environment = vec![
        ("ANSER_LISTEN__NATIVE".into(), "127.0.0.1:20".into()),
        ("ANSER_LISTEN__ADMIN".into(), "127.0.0.1:30".into()),
        ("ANSER_PASSWORD".into(), "not a setting".into()),
    ];
    let flag = Override {
        section: "listen",
        key: "admin",
        text: "127.0.0.1:300".into(),
        name: "--listen-admin".into(),
    };
    let config = assemble(Some((Path::new("a.toml"), file)), environment, &[flag]).unwrap();
    let listen = config.listen;
    let ports = [listen.http.port(), listen.native.port(), listen.admin.port()];
    assert_eq!(ports, [1, 20, 300]);
}

#[test]
fn mistakes_in_the_environment_name_the_variable() {
    assert_eq!(
        told_by_environment("ANSER_LISTEN__HTPP", "x"),
        "ANSER_LISTEN__HTPP: [listen] htpp: no such key; did you mean http?"
    );
    assert_eq!(
        told_by_environment("ANSER_LISTEN__PLAINTEXT", "1"),
        "ANSER_LISTEN__PLAINTEXT: [listen] plaintext: expected true or false, found \"1\""
    );
}

#[test]
fn lists_are_arrays_in_the_file_and_have_commas_in_the_environment() {
    let file = "[web]\nhosts = [\"a.example\", \"b.example\"]\n";
    let environment =
        vec![("ANSER_WEB__ORIGINS".into(), "https://a.example, http://b.example:8080".into())];
    let config = assemble(Some((Path::new("a.toml"), file)), environment, &[]).unwrap();
    assert_eq!(config.web.hosts, ["a.example", "b.example"]);
    assert_eq!(config.web.origins.len(), 2);
    assert_eq!(
        told("[web]\ntrusted_proxies = [\"proxy\"]\n"),
        "a.toml:2:19: [web] trusted_proxies: expected a list of addresses and networks such \
         as [\"127.0.0.1\", \"10.0.0.0/8\"], found \"proxy\""
    );
}

#[test]
fn a_listener_for_other_machines_needs_a_certificate_or_the_word_that_plain_is_meant() {
    let open = "[listen]\nnative = \"0.0.0.0:7700\"\n";
    assert_eq!(
        told(open),
        "a.toml:2:10: [listen] native: other machines can reach 0.0.0.0:7700 without TLS: set \
         [tls] cert and key, or plaintext = true if that is meant"
    );
    let right = |text: &str| assemble(Some((Path::new("a.toml"), text)), Vec::new(), &[]).is_ok();
    assert!(right(&format!("{open}plaintext = true\n")));
    assert!(right(&format!("{open}[tls]\ncert = \"c\"\nkey = \"k\"\n")));
    assert_eq!(told("[tls]\ncert = \"c\"\n"), "a.toml:2:8: [tls] cert: needs [tls] key beside it");
}

#[test]
fn values_that_contradict_each_other_are_refused() {
    assert_eq!(
        told("[listen]\nadmin = \"127.0.0.1:8080\"\n"),
        "a.toml:2:9: [listen] admin: 127.0.0.1:8080 is taken by [listen] http; give each its own port"
    );
    assert_eq!(
        told("[limits]\ntext = \"1 MiB\"\n"),
        "a.toml:2:8: [limits] text: at most 64 KiB; what is longer is a file"
    );
    assert!(told("[limits]\nframe = \"1 KiB\"\n").contains("[limits] frame: at least 192 KiB"));
    assert!(told("[store]\nurl = \"postgres://x\"\n").contains("names no store"));
    assert!(told("[store]\nurl = \"mysql://x\"\n").contains("it names no database"));
    assert!(told("[routes]\nurl = \"disk\"\n").contains("write memory, redis://HOST"));
    let routes = told("[routes]\nurl = \"redis://ann:geheim@h.example\"\n");
    assert!(routes.contains("under TLS") && !routes.contains("geheim"), "{routes}");
}

#[test]
fn what_may_be_done_to_messages_reaches_the_session_manager() {
    let text = "[messages]\nrecall = \"10 min\"\nedit = \"7 d\"\nmention_all_up_to = 3\n\
                receipts_up_to = 4\n";
    let config = assemble(Some((Path::new("a.toml"), text)), Vec::new(), &[]).unwrap();
    let sm = config.sm();
    assert_eq!((sm.recall_window.as_secs(), sm.edit_window.as_secs()), (600, 7 * 24 * 3600));
    assert_eq!((sm.mention_all_up_to, sm.receipts_up_to), (3, 4));
}
