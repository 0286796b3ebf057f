//! The certificate: readable, with its key, not ended, and for the names that people use.

use super::{Check, Finding, Patient};
use crate::tls::{self, Described};

pub(super) const CHECK: Check = Check { name: "certificate", reads: "[tls] cert and key", look };

const DAY: i64 = 24 * 3600;

fn look(patient: &Patient<'_>) -> Vec<Finding> {
    let tls = &patient.config.tls;
    match tls::describe(tls, &patient.config.server.data_dir) {
        Ok(None) => vec![Finding::ok("the first start makes one for this machine")],
        Ok(Some(it)) => verdict(&it, &patient.config.server.domain, patient.now),
        Err(error) => {
            vec![Finding::bad(format!("{error:#}"), "give both files in [tls], readable to anser")]
        }
    }
}

fn verdict(it: &Described, domain: &str, now: i64) -> Vec<Finding> {
    let days = (it.ends - now).div_euclid(DAY);
    let mut findings = vec![match days {
        ..0 => Finding::bad(
            format!("it ended {} days ago", -days),
            "renew it; the files are read anew without a restart",
        ),
        0..14 => Finding::warn(
            format!("it ends in {days} days"),
            "renew it; the files are read anew without a restart",
        ),
        _ => Finding::ok(format!("it ends in {days} days, and its key belongs to it")),
    }];
    let named = |name: &String| {
        name.eq_ignore_ascii_case(domain)
            || name.strip_prefix("*.").is_some_and(|rest| {
                domain.split_once('.').is_some_and(|(_, of)| of.eq_ignore_ascii_case(rest))
            })
    };
    if !it.names.iter().any(named) {
        findings.push(Finding::warn(
            format!("it is for {}, and [server] domain is {domain}", it.names.join(", ")),
            "get one for that name, or set [server] domain",
        ));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn an_end_that_is_near_and_a_foreign_name_are_told() {
        let told = |days: i64, names: &[&str]| {
            let names = names.iter().map(|it| (*it).to_owned()).collect();
            let it = Described { ends: days * DAY, names };
            verdict(&it, "chat.example", 0).into_iter().map(|it| it.verdict).collect::<Vec<_>>()
        };
        assert_eq!(told(90, &["chat.example"]), [Verdict::Ok]);
        assert_eq!(told(90, &["*.example"]), [Verdict::Ok]);
        assert_eq!(told(3, &["CHAT.example"]), [Verdict::Warn]);
        assert_eq!(told(-1, &["localhost"]), [Verdict::Bad, Verdict::Warn]);
    }
}
