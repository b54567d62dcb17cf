//! What is handed over the boot counter: one request in, one answer out.
//!
//! The whole policy of the boot listener in reading order. Sockets are `serve.rs`, bytes are `delivery.rs`.

use std::{net::SocketAddrV4, sync::Arc};

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
    response::Response,
};
use bytes::Bytes;
use tasks::Clock;
use tokio::{io::AsyncSeekExt as _, sync::Semaphore};
use vocabulary::{NodeId, Reason, Step};

use super::{
    Config,
    answer::{is_ipxe, later, text, wrong_method},
    delivery::{Delivery, Report},
    range::Part,
    route::{Machine, Route},
};
use crate::{
    assets::{Assets, Digest, Entry, Image, OpenedFile, PublicFiles, PublicPath, RefusedFile, Role},
    dhcp::AddressBook,
    ipxe::{Addressee, BootDesk, LocalBoot, Script, ScriptAnswer, ScriptAsk, ScriptError, Scripts},
    witness::{Sighting, Witness},
};

/// Everything that an answer is made from.
pub(super) struct Counter {
    pub(super) config: Config,
    pub(super) scripts: Scripts,
    pub(super) files: PublicFiles,
    pub(super) desk: Arc<dyn BootDesk>,
    pub(super) assets: Assets,
    pub(super) witness: Arc<dyn Witness>,
    pub(super) addresses: Arc<dyn AddressBook>,
    pub(super) clock: Arc<dyn Clock>,
    /// Concurrent bodies of kernels, initrds, images and files. Scripts and loaders are small and always go.
    pub(super) transfers: Arc<Semaphore>,
}

/// Both ends of a connection, put into each request by `serve.rs`.
#[derive(Debug, Clone, Copy)]
pub struct Ends {
    /// The machine, or a proxy: never an identity.
    pub peer: SocketAddrV4,
    /// The address of ours that it reached, which is the one that its script names.
    pub reached: SocketAddrV4,
}

/// One file on its way out.
struct Outgoing {
    content: Content,
    bytes: u64,
    /// Without quotes.
    etag: String,
    /// Content under a digest never changes.
    immutable: bool,
    news: Option<Sighting>,
    place: Option<tokio::sync::OwnedSemaphorePermit>,
}

enum Content {
    Memory(Bytes),
    Disk(std::fs::File),
}

impl Counter {
    /// Answers one request for a boot file.
    pub(super) async fn answer(&self, ends: Ends, request: &Parts) -> Response {
        let route = Route::of(request.uri.path(), request.uri.query().unwrap_or_default());
        if matches!(route, Route::Unknown) {
            return text(
                StatusCode::NOT_FOUND,
                "nothing here: boot files are under /boot, /assets, /programs, /loaders and /files",
            );
        }
        if !matches!(request.method, Method::GET | Method::HEAD) {
            return wrong_method();
        }
        let outgoing = match route {
            Route::Script(machine) => return self.script(ends, machine, request).await,
            Route::NotAMachine(name) => return self.not_a_machine(&name, request),
            Route::Refused(name, refused) => return self.refuse_file(ends, &name, &refused.to_string(), request),
            Route::Asset { sha256, name } => self.asset(ends, &sha256, &name),
            Route::Program(sha256) => self.program(ends, &sha256),
            Route::Loader(name) => self.loader(ends, &name),
            Route::File(path) => self.file(ends, &path),
            Route::Unknown => return wrong_method(),
        };
        match outgoing {
            Ok(outgoing) => self.send(outgoing, request).await,
            Err(refusal) => *refusal,
        }
    }

    async fn script(&self, ends: Ends, machine: Machine, request: &Parts) -> Response {
        if request.method == Method::HEAD {
            // A look at the door opens no boot attempt; the length is only known once a script is made.
            return script_response(Body::from_stream(futures_util::stream::empty::<Result<Bytes, std::io::Error>>()));
        }
        let image = self.bootable();
        let Machine { mac, uuid, firmware } = machine;
        let blocked = image.as_ref().err().cloned();
        let peer = (*ends.peer.ip()).into();
        let answer = self.desk.script(ScriptAsk { mac, uuid, firmware, peer, blocked }).await;
        let to = Addressee { mac, base: self.config.advertise.unwrap_or(ends.reached) };
        let (step, detail, script) = self.render(to, machine, image, answer);
        let news = Sighting { mac: Some(mac), address: Some(*ends.peer.ip()), step, detail, firmware, uuid };
        match script {
            Ok(script) => self.send_script(script, Some(news)),
            Err(error) => {
                tracing::error!(%mac, error = &error as &dyn std::error::Error, "no boot script could be made");
                later(self.config.limits.retry_after_s, "Roost could not make a script; its log says why")
            }
        }
    }

    /// The image, or why no machine can boot one now.
    fn bootable(&self) -> Result<Image, Reason> {
        let reason = |cause: &str, remedy: &str| Reason { cause: cause.into(), remedy: remedy.into() };
        match self.assets.current_image() {
            Ok(Some(image)) if self.assets.has(&image) => Ok(image),
            Ok(Some(_)) => Err(reason("the node image is incomplete", "on the control node: roost assets verify")),
            Ok(None) => Err(reason("no node image is built yet", "on the control node: roost image build")),
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "the asset store is not usable");
                Err(reason("the asset store is not usable", "on the control node: roost assets verify"))
            }
        }
    }

    fn render(
        &self,
        to: Addressee,
        machine: Machine,
        image: Result<Image, Reason>,
        answer: ScriptAnswer,
    ) -> (Step, String, Result<Script, ScriptError>) {
        let refresh_s = self.config.limits.wait_refresh_s;
        match (answer, image) {
            (ScriptAnswer::Boot(live), Ok(image)) => {
                let detail = format!("boots the node image {}", image.version);
                (Step::Script, detail, self.scripts.boot_live(to, &image, &live))
            }
            (ScriptAnswer::Boot(_), Err(reason)) => {
                (Step::Waiting, reason.cause.clone(), self.scripts.wait(to, &reason, refresh_s))
            }
            (ScriptAnswer::Wait { reason, again }, _) => {
                let again_s = again.and_then(|again| u32::try_from(again.as_secs()).ok()).map(|again| again.max(1));
                let refresh_s = again_s.map_or(refresh_s, |again| again.min(refresh_s));
                (Step::Waiting, reason.cause.clone(), self.scripts.wait(to, &reason, refresh_s))
            }
            (ScriptAnswer::Refuse { reason }, _) => {
                let subject = format!("{} ({})", NodeId::of(to.mac), to.mac);
                (Step::Refused, reason.cause.clone(), self.scripts.refuse(&subject, &reason))
            }
            (ScriptAnswer::BootLocal { reason }, _) => {
                let method = LocalBoot::usual(machine.firmware);
                let detail = format!("boots from its own disk: {}", reason.cause);
                (Step::Note, detail, self.scripts.boot_local(to, &reason, method))
            }
        }
    }

    fn not_a_machine(&self, name: &str, request: &Parts) -> Response {
        let cause = "a boot script's name is a MAC address: /boot/52-54-00-12-34-56.ipxe";
        self.refuse(StatusCode::NOT_FOUND, name, cause, request)
    }

    fn refuse_file(&self, ends: Ends, name: &str, cause: &str, request: &Parts) -> Response {
        tracing::info!(peer = %ends.peer, file = %name.escape_debug(), cause, "boot file refused");
        self.refuse(StatusCode::FORBIDDEN, name, cause, request)
    }

    /// A status and a reason, or for an iPXE that asked for a script, a script that says it.
    fn refuse(&self, status: StatusCode, name: &str, cause: &str, request: &Parts) -> Response {
        if !(is_ipxe(&request.headers) && name.ends_with(".ipxe")) {
            return text(status, cause);
        }
        let reason = Reason { cause: cause.into(), remedy: "see the boot listener in Roost's log".into() };
        match self.scripts.refuse(name, &reason) {
            Ok(script) => self.send_script(script, None),
            Err(_) => text(status, cause),
        }
    }

    fn asset(&self, ends: Ends, sha256: &Digest, name: &str) -> Result<Outgoing, Box<Response>> {
        if name == "autoexec.ipxe" {
            // Asked for beside a loader that came by HTTP; why it is empty: ipxe/script.rs.
            return Ok(Outgoing::memory(Bytes::new(), "autoexec".into(), None));
        }
        let gone = "no such asset any more: the image was replaced, ask for a new script";
        self.entry(sha256, |role| role != Role::Program, gone).and_then(|entry| self.stored(ends, &entry))
    }

    fn program(&self, ends: Ends, sha256: &Digest) -> Result<Outgoing, Box<Response>> {
        let gone = "no such program any more: it was replaced, retry the run that named it";
        self.entry(sha256, |role| role == Role::Program, gone).and_then(|entry| self.stored(ends, &entry))
    }

    fn entry(&self, sha256: &Digest, fits: impl Fn(Role) -> bool, gone: &str) -> Result<Entry, Box<Response>> {
        let manifest = self.assets.manifest().map_err(|error| Box::new(self.broken(&error)))?;
        let entry = manifest.entry(sha256).filter(|entry| fits(entry.role));
        entry.ok_or_else(|| Box::new(text(StatusCode::NOT_FOUND, gone)))
    }

    fn loader(&self, ends: Ends, name: &str) -> Result<Outgoing, Box<Response>> {
        if name == "autoexec.ipxe" {
            return Ok(Outgoing::memory(Bytes::new(), "autoexec".into(), None));
        }
        match self.assets.loader(name).map_err(|error| Box::new(self.broken(&error)))? {
            Some((entry, _)) => self.stored(ends, &entry),
            None if crate::assets::LOADERS.contains(&name) => Err(Box::new(self.not_fetched(name))),
            None => Err(Box::new(text(StatusCode::NOT_FOUND, "no such loader"))),
        }
    }

    fn stored(&self, ends: Ends, entry: &Entry) -> Result<Outgoing, Box<Response>> {
        let place = if entry.role == Role::Loader { None } else { Some(self.place()?) };
        let file = self.assets.object(&entry.blob).ok_or_else(|| Box::new(self.not_fetched(&entry.name)))?;
        let step = match entry.role {
            Role::Loader => Step::Loader,
            Role::Kernel => Step::Kernel,
            Role::Initrd => Step::Initrd,
            // The machine itself says when it has the root image (`image_fetched`).
            Role::Root | Role::Program => Step::Note,
        };
        Ok(Outgoing {
            content: Content::Disk(file),
            bytes: entry.blob.bytes,
            etag: entry.blob.sha256.to_string(),
            immutable: true,
            news: Some(self.news(ends, step, format!("{} over HTTP", entry.name))),
            place,
        })
    }

    fn file(&self, ends: Ends, path: &PublicPath) -> Result<Outgoing, Box<Response>> {
        let place = self.place()?;
        let OpenedFile { file, bytes } = self.files.open(path).map_err(|refused| {
            let status = match refused {
                RefusedFile::Absent | RefusedFile::NoFolder => StatusCode::NOT_FOUND,
                RefusedFile::NotAFile | RefusedFile::Outside | RefusedFile::Unreadable(_) => StatusCode::FORBIDDEN,
            };
            Box::new(text(status, refused))
        })?;
        Ok(Outgoing {
            etag: version_of(&file),
            content: Content::Disk(file),
            bytes,
            immutable: false,
            news: Some(self.news(ends, Step::Note, format!("/files/{path} over HTTP"))),
            place: Some(place),
        })
    }

    /// A place among the concurrent transfers, or "later".
    fn place(&self) -> Result<tokio::sync::OwnedSemaphorePermit, Box<Response>> {
        let busy =
            || Box::new(later(self.config.limits.retry_after_s, "Roost is sending to other machines, ask again"));
        Arc::clone(&self.transfers).try_acquire_owned().map_err(|_| busy())
    }

    fn not_fetched(&self, name: &str) -> Response {
        let reason = format!("{name} is not here yet; on the control node: roost assets fetch, roost assets verify");
        later(self.config.limits.retry_after_s, reason)
    }

    fn broken(&self, error: &crate::assets::StoreError) -> Response {
        tracing::error!(error = error as &dyn std::error::Error, "the asset store is not usable");
        later(
            self.config.limits.retry_after_s,
            "the asset store is not usable; on the control node: roost assets verify",
        )
    }

    fn news(&self, ends: Ends, step: Step, detail: String) -> Sighting {
        let address = *ends.peer.ip();
        let mac = self.addresses.mac_of(address);
        Sighting { mac, address: Some(address), step, detail, firmware: None, uuid: None }
    }

    fn report(&self, bytes: u64, news: Option<Sighting>) -> Report {
        let (witness, clock) = (Arc::clone(&self.witness), Arc::clone(&self.clock));
        Report { began: clock.uptime(), witness, clock, bytes, news }
    }

    fn send_script(&self, script: Script, news: Option<Sighting>) -> Response {
        let bytes = Bytes::from(script.into_bytes());
        let length = bytes.len() as u64;
        let mut response = script_response(Body::new(Delivery::memory(bytes, self.report(length, news))));
        response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        response
    }

    /// Headers first, by the book; then the part of the bytes that was asked for.
    async fn send(&self, outgoing: Outgoing, request: &Parts) -> Response {
        let headers = &request.headers;
        let range = headers.get(header::RANGE).and_then(|value| value.to_str().ok());
        let range = range.filter(|_| same_version(headers, &outgoing.etag));
        let (status, start, bytes) = match Part::of(range, outgoing.bytes) {
            Part::Whole => (StatusCode::OK, 0, outgoing.bytes),
            Part::Range { start, bytes } => (StatusCode::PARTIAL_CONTENT, start, bytes),
            Part::Unsatisfiable => return unsatisfiable(outgoing.bytes),
        };
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status;
        outgoing.describe(response.headers_mut(), start, bytes);
        if request.method == Method::HEAD {
            return response;
        }
        match self.body(outgoing, start, bytes).await {
            Ok(body) => *response.body_mut() = body,
            Err(error) => {
                return text(StatusCode::INTERNAL_SERVER_ERROR, format_args!("the file is not readable: {error}"));
            }
        }
        response
    }

    async fn body(&self, outgoing: Outgoing, start: u64, bytes: u64) -> std::io::Result<Body> {
        let Outgoing { content, bytes: whole, news, place, .. } = outgoing;
        // A part in the middle is no news; the one that reaches the end is.
        let report = self.report(bytes, news.filter(|_| start + bytes == whole));
        Ok(match content {
            Content::Memory(all) => {
                let from = usize::try_from(start).unwrap_or(usize::MAX).min(all.len());
                Body::new(Delivery::memory(all.slice(from..), report))
            }
            Content::Disk(file) => {
                let mut file = tokio::fs::File::from_std(file);
                file.seek(std::io::SeekFrom::Start(start)).await?;
                Body::new(Delivery::disk(file, report, place))
            }
        })
    }
}

impl Outgoing {
    fn memory(bytes: Bytes, etag: String, news: Option<Sighting>) -> Self {
        let length = bytes.len() as u64;
        Self { content: Content::Memory(bytes), bytes: length, etag, immutable: true, news, place: None }
    }

    fn describe(&self, headers: &mut HeaderMap, start: u64, bytes: u64) {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes));
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        let cache = if self.immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
        set(headers, header::ETAG, &format!("\"{}\"", self.etag));
        if bytes != self.bytes {
            set(headers, header::CONTENT_RANGE, &format!("bytes {start}-{}/{}", start + bytes - 1, self.bytes));
        }
    }
}

fn script_response(body: Body) -> Response {
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=us-ascii"));
    // It holds a token.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn unsatisfiable(length: u64) -> Response {
    let mut response = text(StatusCode::RANGE_NOT_SATISFIABLE, format_args!("the file has {length} bytes"));
    set(response.headers_mut(), header::CONTENT_RANGE, &format!("bytes */{length}"));
    response
}

/// Sets a header whose value is made of digits, hex and punctuation; those always fit.
fn set(headers: &mut HeaderMap, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// A resumed download goes on only in the version that it began in (`If-Range`).
fn same_version(headers: &HeaderMap, etag: &str) -> bool {
    headers.get(header::IF_RANGE).is_none_or(|wanted| wanted.as_bytes() == format!("\"{etag}\"").as_bytes())
}

/// Names one state of an operator's file.
fn version_of(file: &std::fs::File) -> String {
    use std::os::unix::fs::MetadataExt as _;
    file.metadata().map_or_else(
        |_| String::from("0"),
        |meta| format!("{:x}-{:x}-{:x}.{:x}", meta.ino(), meta.size(), meta.mtime(), meta.mtime_nsec()),
    )
}
