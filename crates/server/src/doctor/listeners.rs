//! The listeners' ports: free, or held by the server that runs on this data directory.

use std::net::{SocketAddr, TcpListener};

use super::{Check, Finding, Patient};

pub(super) const CHECK: Check =
    Check { name: "ports", reads: "[listen], DATA_DIR/listen.json", look };

fn look(patient: &Patient<'_>) -> Vec<Finding> {
    let listen = &patient.config.listen;
    if patient.config.server.data_dir.join("listen.json").exists() {
        return vec![Finding::ok("a server runs on this data directory and has its ports")];
    }
    [("http", listen.http), ("native", listen.native), ("admin", listen.admin)]
        .map(|(name, address)| verdict(name, address))
        .into()
}

fn verdict(name: &str, address: SocketAddr) -> Finding {
    match TcpListener::bind(address) {
        Ok(_) => Finding::ok(format!("{name}: {address} is free")),
        Err(error) => Finding::bad(
            format!("{name}: {address} is not to be had: {error}"),
            format!("ss -ltnp 'sport = :{}', or another with [listen] {name}", address.port()),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn a_port_that_someone_has_is_told() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let told = verdict("http", taken.local_addr().unwrap());
        assert_eq!(told.verdict, Verdict::Bad);
        assert!(told.mend.unwrap().contains(&taken.local_addr().unwrap().port().to_string()));
    }
}
