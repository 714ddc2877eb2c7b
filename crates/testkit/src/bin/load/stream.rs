//! A client's socket, plain or behind TLS.

use std::{
    io::{self, Read, Write},
    net::SocketAddr,
    path::Path,
    sync::Arc,
};

use anyhow::{Context as _, Result};
use mio::net::TcpStream;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};

/// Where the server listens, and for `wss:` what its certificate is checked against.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    pub(crate) tls: Option<Arc<ClientConfig>>,
}

/// Trusts the certificates in a PEM file, and no other.
pub(crate) fn trusting(file: &Path) -> Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    let read = || format!("reading certificates from {}", file.display());
    for certificate in CertificateDer::pem_file_iter(file).with_context(read)? {
        roots.add(certificate.with_context(read)?)?;
    }
    Ok(Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth()))
}

/// The name that the server's certificate is for.
fn name() -> Result<ServerName<'static>> {
    Ok(ServerName::try_from("localhost")?)
}

/// A blocking or non-blocking socket that is read and written in the clear.
pub(crate) enum Stream<T: Read + Write = TcpStream> {
    Plain(T),
    Tls(Box<StreamOwned<ClientConnection, T>>),
}

impl<T: Read + Write> Stream<T> {
    pub(crate) fn new(socket: T, tls: Option<&Arc<ClientConfig>>) -> Result<Self> {
        Ok(match tls {
            None => Self::Plain(socket),
            Some(config) => {
                let tls = ClientConnection::new(Arc::clone(config), name()?)?;
                Self::Tls(Box::new(StreamOwned::new(tls, socket)))
            }
        })
    }

    pub(crate) fn socket(&self) -> &T {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(tls) => tls.get_ref(),
        }
    }

    /// Whether a read that filled less than its buffer took all there was.
    pub(crate) fn tells_its_end(&self) -> bool {
        matches!(self, Self::Plain(_))
    }
}

impl<T: Read + Write> Read for Stream<T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(buffer),
            Self::Tls(tls) => tls.read(buffer),
        }
    }
}

impl<T: Read + Write> Write for Stream<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.write(bytes),
            Self::Tls(tls) => tls.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.flush(),
            Self::Tls(tls) => tls.flush(),
        }
    }
}
