//! The HTTP half of a machine's way: script, boot files, progress, call-home.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use serde_json::json;
use socket2::{Domain, Socket, Type};
use tokio::net::TcpSocket;
use vocabulary::{HostKey, Mac, SmbiosUuid, Step, Token};

use super::{
    dhcp::{DhcpError, Stage},
    place::Synthetic,
    script::{self, Script},
    tftp::TftpError,
};
use crate::{
    http::{self, HttpError, Request, Response},
    namespace::EnterError,
};

const LIMIT: Duration = Duration::from_secs(60);
/// What a script says that has its machine wait until its node was looked for twice.
const SECOND_LOOK: &str = "is looked for once more";

/// A step of the way failed.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// No address.
    #[error("no address by DHCP")]
    Dhcp(#[from] DhcpError),
    /// No loader.
    #[error("no loader by TFTP")]
    Tftp(#[from] TftpError),
    /// No connection or no answer.
    #[error("no answer from {url}")]
    Http {
        /// What was asked.
        url: String,
        /// Why.
        #[source]
        source: HttpError,
    },
    /// The namespace is gone.
    #[error("cannot ask from inside the namespace")]
    Enter(#[from] EnterError),
    /// Not an address that a machine without DNS can use.
    #[error("{url:?} is no http:// URL with an address literal")]
    Url {
        /// What was given.
        url: String,
    },
    /// DHCP gave nothing to boot.
    #[error("the lease names no boot file")]
    NoBootFile,
    /// The server said no.
    #[error("{url} answered {status}: {body}")]
    Refused {
        /// What was asked.
        url: String,
        /// The status.
        status: u16,
        /// Its text, tokens taken out.
        body: String,
    },
}

/// What a machine claims when it calls home; a test changes one field and sees what happens.
#[derive(Debug, Clone)]
pub struct CallHomeClaim {
    /// From its script.
    pub token: Token,
    /// `node-<mac>` unless the machine lies.
    pub hostname: String,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// Its address on the boot network.
    pub mac: Mac,
    /// Its SMBIOS UUID.
    pub smbios_uuid: Option<SmbiosUuid>,
    /// 32 hex digits.
    pub machine_id: String,
    /// Its sshd's keys.
    pub ssh_host_keys: Vec<HostKey>,
    /// Memory it says it has.
    pub memory_mib: u64,
    /// What it says of a data disk, where it has one.
    pub data: Option<serde_json::Value>,
}

impl CallHomeClaim {
    /// The body of the POST.
    #[must_use]
    pub fn body(&self) -> serde_json::Value {
        let hardware = json!({
            "vendor": "Roost", "product": "Synthetic", "architecture": "x86_64", "firmware": null,
            "cpus": 1, "memory_mib": self.memory_mib, "disks": [],
        });
        let mut body = json!({
            "token": self.token.expose(),
            "hostname": self.hostname,
            "addresses": self.addresses,
            "mac": self.mac,
            "smbios_uuid": self.smbios_uuid,
            "machine_id": self.machine_id,
            "ssh_host_keys": self.ssh_host_keys,
            "hardware": hardware,
        });
        if let Some(data) = &self.data {
            body["data"] = data.clone();
        }
        body
    }
}

impl Synthetic {
    /// From the firmware's DISCOVER to iPXE's script: the loader is fetched over TFTP (or HTTP) and thrown away.
    pub async fn boot_to_script(&self) -> Result<Script, StepError> {
        let lease = self.dhcp(Stage::Firmware).await?;
        let loader = lease.boot_file.clone().ok_or(StepError::NoBootFile)?;
        if loader.starts_with("http://") {
            self.fetch(&loader).await?;
        } else {
            self.tftp(lease.next_server, &loader).await?;
        }
        let lease = self.dhcp(Stage::Ipxe).await?;
        self.script(&lease.boot_file.ok_or(StepError::NoBootFile)?).await
    }

    /// Fetches iPXE's script; its variables and those of the URL are filled in. A machine that was up before is asked to
    /// come again in a few seconds, and does.
    pub async fn script(&self, url: &str) -> Result<Script, StepError> {
        let url = script::expand(url, self.mac, self.uuid, self.firmware);
        let mut text = self.fetch(&url).await?.text();
        let mut tries = 0;
        while text.contains(SECOND_LOOK) && tries < 10 {
            tries += 1;
            tokio::time::sleep(script::refresh(&text)).await;
            text = self.fetch(&url).await?.text();
        }
        Ok(Script::parse(&script::expand(&text, self.mac, self.uuid, self.firmware)))
    }

    /// Fetches what the script boots, as iPXE would; returns how many bytes that was.
    pub async fn boot_files(&self, script: &Script) -> Result<usize, StepError> {
        let mut bytes = 0;
        for url in script.kernel.iter().chain(&script.initrds) {
            bytes += self.fetch(url).await?.body.len();
        }
        Ok(bytes)
    }

    /// GET; anything but 200 is an error that shows the server's reason.
    pub async fn fetch(&self, url: &str) -> Result<Response, StepError> {
        let response = self.ask("GET", url, None).await?;
        if response.status == 200 {
            return Ok(response);
        }
        let body = vocabulary::redact_tokens(&response.text());
        Err(StepError::Refused { url: url.to_owned(), status: response.status, body })
    }

    /// Posts a station of the boot to the daemon at this base (`http://10.77.0.1:7601`); every answer is returned.
    pub async fn progress(&self, base: &str, token: &Token, step: Step, detail: &str) -> Result<Response, StepError> {
        let body = json!({ "token": token.expose(), "step": step, "detail": detail });
        self.ask("POST", &format!("{base}/api/provision/progress"), Some(&body)).await
    }

    /// Calls home at this base; every answer is returned.
    pub async fn call_home(&self, base: &str, claim: &CallHomeClaim) -> Result<Response, StepError> {
        self.ask("POST", &format!("{base}/api/provision/call-home"), Some(&claim.body())).await
    }

    /// The truth about this machine.
    #[must_use]
    pub fn claim(&self, token: Token, address: IpAddr, host_key: HostKey) -> CallHomeClaim {
        CallHomeClaim {
            token,
            hostname: vocabulary::NodeId::of(self.mac).to_string(),
            addresses: vec![address],
            mac: self.mac,
            smbios_uuid: Some(self.uuid),
            machine_id: self.machine_id(),
            ssh_host_keys: vec![host_key],
            memory_mib: 2048,
            data: None,
        }
    }

    /// Its /etc/machine-id: the same at every boot, as with an installed disk.
    #[must_use]
    pub fn machine_id(&self) -> String {
        self.uuid.to_string().replace('-', "")
    }

    /// One request from inside the namespace.
    pub async fn ask(&self, method: &str, url: &str, json: Option<&serde_json::Value>) -> Result<Response, StepError> {
        let (peer, path) = split(url).ok_or_else(|| StepError::Url { url: url.to_owned() })?;
        let base = json.map_or_else(|| Request::get(path), |json| Request::post(path, json));
        let request = Request { method: method.to_owned(), host: peer.to_string(), ..base };
        let socket = self.namespace.enter(|| -> io::Result<Socket> {
            let socket = Socket::new(Domain::for_address(peer), Type::STREAM, None)?;
            socket.set_nonblocking(true).map(|()| socket)
        })?;
        let shown = || url.split('?').next().unwrap_or_default().to_owned();
        let failed = |source: HttpError| StepError::Http { url: shown(), source };
        let socket = socket.map_err(|error| failed(error.into()))?;
        let exchange = async {
            let stream = TcpSocket::from_std_stream(socket.into()).connect(peer).await?;
            http::exchange(stream, &request).await
        };
        let late = |_| HttpError::from(io::Error::from(io::ErrorKind::TimedOut));
        tokio::time::timeout(LIMIT, exchange).await.map_err(late).and_then(|outcome| outcome).map_err(failed)
    }
}

/// `http://10.77.0.1:7601/x?y` is the address to connect to and `/x?y`.
fn split(url: &str) -> Option<(SocketAddr, &str)> {
    let rest = url.strip_prefix("http://")?;
    let (authority, path) = rest.find('/').map_or((rest, "/"), |slash| rest.split_at(slash));
    let with_port = if authority.contains(':') { authority.to_owned() } else { format!("{authority}:80") };
    Some((with_port.parse().ok()?, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_split_and_names_are_refused() {
        let (peer, path) = split("http://10.77.0.1:7601/boot/x.ipxe?a=b").unwrap();
        assert_eq!((peer.to_string().as_str(), path), ("10.77.0.1:7601", "/boot/x.ipxe?a=b"));
        assert_eq!(split("http://10.77.0.1").unwrap().0.port(), 80);
        assert!(split("http://boot.example/x").is_none() && split("https://10.77.0.1/").is_none());
    }

    #[test]
    fn a_claim_is_what_the_daemon_reads() {
        let mac = Mac([0x52, 0x54, 0, 1, 2, 3]);
        let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0Yx8E0fMmzQzVmU1nJqFZ0WkV5Yk1pQm9vdEtleTEy".to_owned();
        let claim = CallHomeClaim {
            token: Token::from_random([1; 32]),
            hostname: "node-525400010203".into(),
            addresses: vec!["10.77.1.2".parse().unwrap()],
            mac,
            smbios_uuid: Some(crate::names::uuid_for(mac)),
            machine_id: "0".repeat(32),
            ssh_host_keys: vec![HostKey::try_from(key).unwrap()],
            memory_mib: 1,
            data: Some(json!({ "state": "unusable", "detail": "x" })),
        };
        let read: vocabulary::CallHome = serde_json::from_value(claim.body()).unwrap();
        assert_eq!((read.mac, read.token), (mac, claim.token));
        assert_eq!(read.data.unwrap().state, vocabulary::DataState::Unusable);
    }
}
