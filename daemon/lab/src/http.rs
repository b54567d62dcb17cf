//! One HTTP/1.1 exchange over any stream: for the daemon's Unix socket and for synthetic machines inside a namespace.
//!
//! By hand because a client library brings its own connector, and these streams come from another namespace; and
//! because a machine under test should show exactly what was sent, not what a library made of it. One request a
//! connection, no redirects followed, bodies by length, by chunks or until the end.

use std::io;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader};

/// A kernel, an initrd or a root image is less.
const BODY_BYTES_MAX: u64 = 2 << 30;
const HEAD_LINES_MAX: usize = 100;

/// What to ask.
#[derive(Debug, Clone)]
pub struct Request {
    /// `GET`, `HEAD`, `POST`...
    pub method: String,
    /// Path and query.
    pub path: String,
    /// `Host`.
    pub host: String,
    /// Further headers.
    pub headers: Vec<(String, String)>,
    /// The body, where there is one.
    pub body: Option<Vec<u8>>,
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
}

/// The exchange failed.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The connection.
    #[error("the connection failed")]
    Io(#[from] io::Error),
    /// The answer.
    #[error("the answer is no HTTP: {line:?}")]
    NotHttp {
        /// The line that is not understood.
        line: String,
    },
}

impl Request {
    /// A GET of this path.
    #[must_use]
    pub fn get(path: impl Into<String>) -> Self {
        Self { method: "GET".into(), path: path.into(), host: "localhost".into(), headers: Vec::new(), body: None }
    }

    /// A POST of this JSON.
    #[must_use]
    pub fn post(path: impl Into<String>, json: &serde_json::Value) -> Self {
        let headers = vec![("content-type".into(), "application/json".into())];
        Self { method: "POST".into(), headers, body: Some(json.to_string().into_bytes()), ..Self::get(path) }
    }

    fn head(&self) -> String {
        let mut head =
            format!("{} {} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n", self.method, self.path, self.host);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some(body) = &self.body {
            head.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        head + "\r\n"
    }
}

impl Response {
    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; `null` when it is none.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// Sends the request and reads the whole answer.
pub async fn exchange(stream: impl AsyncRead + AsyncWrite + Unpin, request: &Request) -> Result<Response, HttpError> {
    let mut stream = BufReader::new(stream);
    stream.write_all(&[request.head().as_bytes(), request.body.as_deref().unwrap_or_default()].concat()).await?;
    stream.flush().await?;
    let (status, headers) = read_head(&mut stream).await?;
    let mut response = Response { status, headers, body: Vec::new() };
    if request.method != "HEAD" && !matches!(status, 204 | 304) {
        response.body = read_body(&mut stream, &response).await?;
    }
    Ok(response)
}

async fn read_head<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> Result<(u16, Vec<(String, String)>), HttpError> {
    let status_line = read_line(stream).await?;
    let code =
        status_line.strip_prefix("HTTP/1.").and_then(|rest| rest.split(' ').nth(1)).and_then(|code| code.parse().ok());
    let status = code.ok_or(HttpError::NotHttp { line: status_line })?;
    let mut headers = Vec::new();
    for _ in 0..HEAD_LINES_MAX {
        let line = read_line(stream).await?;
        if line.is_empty() {
            return Ok((status, headers));
        }
        let (name, value) = line.split_once(':').ok_or_else(|| HttpError::NotHttp { line: line.clone() })?;
        headers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
    }
    Err(HttpError::NotHttp { line: "too many headers".into() })
}

async fn read_body<S: AsyncRead + Unpin>(stream: &mut BufReader<S>, head: &Response) -> Result<Vec<u8>, HttpError> {
    let mut body = Vec::new();
    if head.header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
        while read_chunk(stream, &mut body).await? > 0 {}
        return Ok(body);
    }
    let Some(length) = head.header("content-length") else {
        stream.take(BODY_BYTES_MAX).read_to_end(&mut body).await?;
        return Ok(body);
    };
    let length: u64 = length.parse().map_err(|_| HttpError::NotHttp { line: format!("content-length: {length}") })?;
    let read = stream.take(length.min(BODY_BYTES_MAX)).read_to_end(&mut body).await?;
    if read as u64 == length { Ok(body) } else { Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()) }
}

async fn read_chunk<S: AsyncRead + Unpin>(stream: &mut BufReader<S>, body: &mut Vec<u8>) -> Result<u64, HttpError> {
    let line = read_line(stream).await?;
    let size = u64::from_str_radix(line.split(';').next().unwrap_or_default().trim(), 16);
    let size = size.map_err(|_| HttpError::NotHttp { line })?;
    stream.take(size.min(BODY_BYTES_MAX)).read_to_end(body).await?;
    read_line(stream).await?;
    Ok(size)
}

async fn read_line<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> Result<String, HttpError> {
    let mut line = String::new();
    if stream.take(16 * 1024).read_line(&mut line).await? == 0 {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn answered(answer: &'static str) -> Result<Response, HttpError> {
        let (ours, mut theirs) = tokio::io::duplex(64 * 1024);
        let serve = async move {
            theirs.write_all(answer.as_bytes()).await.unwrap();
            let mut asked = vec![0; 1024];
            let count = theirs.read(&mut asked).await.unwrap();
            String::from_utf8_lossy(&asked[..count]).into_owned()
        };
        let request = Request::post("/x?y=1", &serde_json::json!({ "a": 1 }));
        let (response, asked) = tokio::join!(exchange(ours, &request), serve);
        assert!(asked.starts_with("POST /x?y=1 HTTP/1.1\r\nhost: localhost\r\n"), "{asked}");
        assert!(asked.ends_with("content-length: 7\r\n\r\n{\"a\":1}"), "{asked}");
        response
    }

    #[tokio::test]
    async fn reads_bodies_by_length_by_chunks_and_to_the_end() {
        let by_length = answered("HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nokXX").await.unwrap();
        assert_eq!((by_length.status, by_length.text()), (202, "ok".into()));
        let chunks =
            answered("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n").await;
        assert_eq!(chunks.unwrap().text(), "abc");
        let to_the_end = answered("HTTP/1.1 500 No\r\n\r\n{\"e\":2}").await.unwrap();
        assert_eq!((to_the_end.status, to_the_end.json()["e"].as_u64()), (500, Some(2)));
    }

    #[tokio::test]
    async fn a_body_cut_short_is_an_error() {
        assert!(answered("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort").await.is_err());
        assert!(answered("SSH-2.0-OpenSSH\r\n").await.is_err());
    }
}
