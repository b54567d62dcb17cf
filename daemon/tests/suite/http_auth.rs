//! Every route of the API document, asked without a key and with a key that lacks its scope.
//!
//! The list of routes is the document's own, so a new route is tested the moment it exists. What is public stands
//! here by name.

use daemon::{
    http,
    keys::{Scope, Scopes},
};
use reqwest::{Method, StatusCode};
use serde_json::Value;

use super::api::{Running, Setup, key, key_without, refused};

const PUBLIC: [&str; 2] = ["/healthz", "/readyz"];

struct Route {
    method: Method,
    path: String,
    scope: Option<Scope>,
}

fn routes() -> Vec<Route> {
    let document: Value = serde_json::to_value(http::document()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, item)| {
        item.as_object().unwrap().iter().map(move |(method, operation)| (path, method, operation))
    });
    operations
        .map(|(path, method, operation)| Route {
            method: method.to_uppercase().parse().unwrap(),
            path: path.replace("{id}", "1").replace("{mac}", "525400123456").replace("{name}", "nobody"),
            scope: operation["security"][0]["bearer"][0].as_str().map(|word| word.parse().unwrap()),
        })
        .collect()
}

#[test]
fn every_route_says_which_scope_it_demands() {
    let routes = routes();
    assert!(routes.len() >= 25, "{}", routes.len());
    for route in routes {
        assert_eq!(route.scope.is_none(), PUBLIC.contains(&route.path.as_str()), "{} {}", route.method, route.path);
    }
}

#[tokio::test]
async fn without_a_key_every_route_is_closed() {
    let api = Running::new().await;
    for Route { method, path, scope } in routes() {
        if scope.is_none() {
            assert_eq!(api.bare(method, &path).send().await.unwrap().status(), StatusCode::OK, "{path}");
            continue;
        }
        let (status, code) = refused(api.bare(method.clone(), &path)).await;
        assert_eq!((status, code.as_str()), (StatusCode::UNAUTHORIZED, "unauthenticated"), "{method} {path}");
        let (status, code) = refused(api.bare(method.clone(), &path).bearer_auth("made-up")).await;
        assert_eq!((status, code.as_str()), (StatusCode::UNAUTHORIZED, "unknown_key"), "{method} {path}");
    }
    api.stop().await;
}

#[tokio::test]
async fn a_key_without_the_scope_opens_nothing() {
    let keys = Scope::ALL.map(key_without).to_vec();
    let api = Running::with(Setup { keys, ..Setup::default() }).await;
    for Route { method, path, scope } in routes() {
        let Some(scope) = scope else { continue };
        let (status, code) = refused(api.bare(method.clone(), &path).bearer_auth(format!("all-but-{scope}"))).await;
        assert_eq!((status, code.as_str()), (StatusCode::FORBIDDEN, "missing_scope"), "{method} {path}");
    }
    assert!(api.desk.orders.lock().unwrap().is_empty());
    api.stop().await;
}

#[tokio::test]
async fn the_page_and_the_document_are_public_and_never_redirect() {
    let api = Running::new().await;
    let get = async |path: &str| api.bare(Method::GET, path).send().await.unwrap();
    for path in ["/docs", "/docs/swagger-ui-bundle.js", "/docs/swagger-initializer.js", "/api/openapi.json"] {
        assert_eq!(get(path).await.status(), StatusCode::OK, "{path}");
    }
    let page = get("/docs").await.text().await.unwrap();
    assert!(page.contains("<base href=\"/docs/\">"), "{page}");
    assert!(!page.contains("http://") && !page.contains("https://"), "the page fetches nothing from elsewhere");
    let script = get("/docs/swagger-initializer.js").await.text().await.unwrap();
    assert!(script.contains("/api/openapi.json") && script.contains("\"validatorUrl\": \"none\""), "{script}");
    let document: Value = get("/api/openapi.json").await.json().await.unwrap();
    assert_eq!(document["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
    api.stop().await;
}

#[tokio::test]
async fn the_unix_socket_needs_no_key() {
    let api = Running::new().await;
    let client = reqwest::Client::builder().unix_socket(api.socket.clone()).no_proxy().build().unwrap();
    let response = client.get("http://roost/api/keys").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let id = super::api::node_id();
    client.post(format!("http://roost/api/nodes/{id}/deny")).send().await.unwrap();
    let uid = rustix::process::geteuid().as_raw();
    let name = if uid == 0 { "root".to_owned() } else { format!("uid:{uid}") };
    assert_eq!(*api.desk.orders.lock().unwrap(), [format!("{name}: deny {id}")]);
    let socket = api.socket.clone();
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&socket).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    api.stop().await;
    assert!(!socket.exists(), "the socket goes with the daemon");
}

#[tokio::test]
async fn a_key_that_was_made_opens_until_it_is_revoked() {
    let api = Running::new().await;
    let body = serde_json::json!({ "name": "ci", "scopes": ["read"] });
    let (status, rehearsed) = api.post("/api/keys?dry_run=true", &body).await;
    assert_eq!((status, rehearsed["key"].as_str()), (StatusCode::OK, None));
    let (status, made) = api.post("/api/keys", &body).await;
    assert_eq!(status, StatusCode::CREATED);
    let made = made["key"].as_str().unwrap().to_owned();
    let open = async || api.bare(Method::GET, "/api/nodes").bearer_auth(&made).send().await.unwrap().status();
    assert_eq!(open().await, StatusCode::OK);
    let (status, code) = refused(api.request(Method::POST, "/api/keys").json(&body)).await;
    assert_eq!((status, code.as_str()), (StatusCode::CONFLICT, "conflict"));
    let listed = api.get("/api/keys").await;
    let row = listed.as_array().unwrap().iter().find(|row| row["name"] == "ci").unwrap();
    assert_eq!((&row["scopes"], &row["origin"]), (&serde_json::json!(["read"]), &serde_json::json!("store")));
    assert!(row["last_used"].is_string());
    assert!(!listed.to_string().contains(&made), "a listing never holds a key");
    let (status, _) = super::api::answer(api.request(Method::DELETE, "/api/keys/ci")).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(open().await, StatusCode::UNAUTHORIZED);
    let (status, code) = refused(api.request(Method::DELETE, "/api/keys/all")).await;
    assert_eq!((status, code.as_str()), (StatusCode::CONFLICT, "conflict"));
    let rows = api.store.keys().await.unwrap();
    assert!(rows.iter().all(|row| !format!("{row:?}").contains(&made)), "only the digest is kept");
    api.stop().await;
}

#[tokio::test]
async fn a_key_hands_on_only_what_it_holds() {
    let keys = vec![key("admin", [Scope::Admin].into_iter().collect())];
    let api = Running::with(Setup { keys, ..Setup::default() }).await;
    let body = serde_json::json!({ "name": "more", "scopes": ["approve"] });
    let (status, code) = refused(api.bare(Method::POST, "/api/keys").bearer_auth("admin").json(&body)).await;
    assert_eq!((status, code.as_str()), (StatusCode::FORBIDDEN, "scope_not_held"));
    api.stop().await;
}

#[tokio::test]
async fn one_key_that_runs_wild_leaves_the_others_alone() {
    let keys = vec![key("wild", Scopes::all()), key("calm", Scopes::all())];
    let api = Running::with(Setup { burst: 3, keys, ..Setup::default() }).await;
    let get = |name: &str| api.bare(Method::GET, "/api/nodes").bearer_auth(name.to_owned());
    for _ in 0..3 {
        get("wild").send().await.unwrap();
    }
    let response = get("wild").send().await.unwrap();
    assert!(response.headers().contains_key("retry-after"));
    let (status, code) = refused(get("wild")).await;
    assert_eq!((status, code.as_str()), (StatusCode::TOO_MANY_REQUESTS, "rate_limited"));
    assert_eq!(get("calm").send().await.unwrap().status(), StatusCode::OK);
    api.stop().await;
}

#[tokio::test]
async fn the_first_key_is_made_once_and_never_logged() {
    use std::os::unix::fs::PermissionsExt as _;
    let api = Running::with(Setup { keys: Vec::new(), ..Setup::default() }).await;
    let (ring, mut clerk) = http::keyring::KeyRing::open(Vec::new(), api.store.clone()).await.unwrap();
    let now = super::api::start();
    let folder = api.folder.path().to_owned();
    let path = http::first_key::ensure((&ring, &mut clerk), &api.store, &folder, now).await.unwrap().unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let key = std::fs::read_to_string(&path).unwrap();
    let digest = daemon::keys::KeyDigest::of(key.trim());
    let row = api.store.key_by_digest(digest.0).await.unwrap().unwrap();
    assert_eq!(row.scopes.len(), Scope::ALL.len());
    api.store.revoke_key(row.id, now).await.unwrap();
    let (ring, mut clerk) = http::keyring::KeyRing::open(Vec::new(), api.store.clone()).await.unwrap();
    assert_eq!(http::first_key::ensure((&ring, &mut clerk), &api.store, &folder, now).await.unwrap(), None);
    api.stop().await;
}
