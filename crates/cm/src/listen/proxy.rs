//! The PROXY protocol, versions 1 and 2: for whom a proxy has opened a connection.
//!
//! <https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt>. §2: a receiver never guesses
//! whether the header is there. From configured peers it is demanded; from all others its bytes
//! are the mistake in the listener's own protocol that they look like.

use std::{io, net::SocketAddr};

use ppp::{v1, v2};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    net::TcpStream,
};

/// §2.1: the longest header of version 1, its line's end included.
const MOST_V1: usize = 107;
/// The longest header of version 2. The longest addresses take 216 bytes; the rest is room for
/// what proxies add, such as the name in a client's certificate.
const MOST_V2: usize = 2048;
/// §2.2: a header of version 2 says in its first 16 bytes how long it is.
const START_V2: usize = 16;
/// Both versions are at least as long, and told apart by then.
const SIGNATURE: usize = v2::PROTOCOL_PREFIX.len();

/// What a proxy says of its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Told {
    /// Where the client is; `None` when the proxy speaks for itself, or does not know.
    pub(super) client: Option<SocketAddr>,
    /// Whether the client came to it under TLS.
    pub(super) tls: bool,
}

/// Reads the header, and not a byte more.
pub(super) async fn read(stream: &mut TcpStream) -> io::Result<Told> {
    read_from(stream).await
}

async fn read_from(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Told> {
    let mut header = vec![0; SIGNATURE];
    stream.read_exact(&mut header).await?;
    if header == v2::PROTOCOL_PREFIX {
        header.resize(START_V2, 0);
        stream.read_exact(header.get_mut(SIGNATURE..).unwrap_or_default()).await?;
        let length = match header.last_chunk() {
            Some(length) => START_V2 + usize::from(u16::from_be_bytes(*length)),
            None => START_V2,
        };
        if length > MOST_V2 {
            return Err(malformed("it is too long"));
        }
        header.resize(length, 0);
        stream.read_exact(header.get_mut(START_V2..).unwrap_or_default()).await?;
        return version_2(&header);
    }
    // Its length stands nowhere, and what follows is not ours to take.
    while !header.ends_with(b"\n") {
        if header.len() >= MOST_V1 || !header.starts_with(b"PROXY ") {
            return Err(malformed("there is none"));
        }
        header.push(stream.read_u8().await?);
    }
    version_1(&header)
}

fn version_1(header: &[u8]) -> io::Result<Told> {
    let header = v1::Header::try_from(header).map_err(|error| malformed(&error.to_string()))?;
    let client = match header.addresses {
        v1::Addresses::Tcp4(it) => Some((it.source_address, it.source_port).into()),
        v1::Addresses::Tcp6(it) => Some((it.source_address, it.source_port).into()),
        v1::Addresses::Unknown => None,
    };
    Ok(Told { client, tls: false })
}

fn version_2(header: &[u8]) -> io::Result<Told> {
    /// §2.2.6: `pp2_tlv_ssl.client`, the client came under TLS.
    const CLIENT_SSL: u8 = 1;
    let header = v2::Header::try_from(header).map_err(|error| malformed(&error.to_string()))?;
    // §2.2: what a LOCAL header says besides is to be ignored.
    if header.command == v2::Command::Local {
        return Ok(Told { client: None, tls: false });
    }
    let client = match header.addresses {
        v2::Addresses::IPv4(it) => Some((it.source_address, it.source_port).into()),
        v2::Addresses::IPv6(it) => Some((it.source_address, it.source_port).into()),
        v2::Addresses::Unix(_) | v2::Addresses::Unspecified => None,
    };
    let mut tls = false;
    for more in header.tlvs() {
        let more = more.map_err(|error| malformed(&error.to_string()))?;
        if more.kind == v2::Type::SSL as u8 {
            tls = more.value.first().is_some_and(|flags| flags & CLIENT_SSL != 0);
        }
    }
    Ok(Told { client, tls })
}

fn malformed(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("bad proxy header: {why}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What `bytes` say, and how many of them were taken.
    fn told(bytes: &[u8]) -> io::Result<(Told, usize)> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut left = bytes;
        runtime.block_on(read_from(&mut left)).map(|told| (told, bytes.len() - left.len()))
    }

    fn version_2(command: u8, family: u8, payload: &[u8]) -> Vec<u8> {
        let mut header = v2::PROTOCOL_PREFIX.to_vec();
        header.extend([0x20 | command, family]);
        header.extend(u16::try_from(payload.len()).unwrap().to_be_bytes());
        header.extend(payload);
        header
    }

    const ADDRESSES: [u8; 12] = [192, 0, 2, 1, 198, 51, 100, 1, 0x30, 0x39, 0, 80];

    #[test]
    fn both_versions_name_the_client_and_end_where_they_end() {
        let client: Option<SocketAddr> = Some("192.0.2.1:12345".parse().unwrap());
        let six = Some("[2001:db8::1]:1".parse().unwrap());
        let plain = |client| Told { client, tls: false };
        let ssl = [&ADDRESSES[..], &[0x04, 0, 1, 9, 0x20, 0, 5, 1, 0, 0, 0, 0]].concat();
        for (header, wanted) in [
            (b"PROXY TCP4 192.0.2.1 198.51.100.1 12345 80\r\n".to_vec(), plain(client)),
            (b"PROXY TCP6 2001:db8::1 2001:db8::2 1 80\r\n".to_vec(), plain(six)),
            (b"PROXY UNKNOWN\r\n".to_vec(), plain(None)),
            (b"PROXY UNKNOWN any thing at all\r\n".to_vec(), plain(None)),
            (version_2(1, 0x11, &ADDRESSES), plain(client)),
            (version_2(0, 0x11, &ADDRESSES), plain(None)),
            (version_2(0, 0, &[]), plain(None)),
            (version_2(1, 0x11, &ssl), Told { client, tls: true }),
        ] {
            let mut bytes = header.clone();
            bytes.extend(b"GET / HTTP/1.1");
            assert_eq!(told(&bytes).unwrap(), (wanted, header.len()), "{header:?}");
        }
    }

    #[test]
    fn what_is_no_header_is_an_error_and_bounded() {
        let too_long = version_2(1, 0x11, &[&ADDRESSES[..], &[0; MOST_V2]].concat());
        for bad in [
            b"GET / HTTP/1.1\r\nhost: localhost\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.1 198.51.100.1 12345 80".to_vec(),
            b"PROXY TCP4 192.0.2.1 198.51.100.1 99999 80\r\n".to_vec(),
            b"PROXY TCP4 nobody 198.51.100.1 1 80\r\n".to_vec(),
            [&b"PROXY UNKNOWN "[..], &[b'x'; 200], b"\r\n"].concat(),
            version_2(1, 0x11, &ADDRESSES[..8]),
            version_2(7, 0x11, &ADDRESSES),
            version_2(1, 0x11, &[&ADDRESSES[..], &[0x20, 0, 9, 1]].concat()),
            too_long,
            vec![],
        ] {
            assert!(told(&bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(
            mut bytes in proptest::collection::vec(any::<u8>(), 0..300), start in 0..3,
        ) {
            match start {
                0 => {}
                1 => { bytes.splice(..0, v2::PROTOCOL_PREFIX.iter().copied()); }
                _ => { bytes.splice(..0, *b"PROXY TCP4 "); }
            }
            if let Ok((_, taken)) = told(&bytes) {
                prop_assert!(taken <= bytes.len());
            }
        }
    }
}
