//! Tokens: none, a good one, a revoked one.

use ::jobs::{
    CallError, Endpoint,
    nomad::{self, AclPolicy, NewToken},
};
use lab::agents::{Acl, Client, Consul, Spec};
use vocabulary::Secret;

use crate::support::{nomad_at, now_query, start};

#[tokio::test]
async fn a_token_opens_what_its_policy_says_until_it_is_revoked() {
    let spec = Spec { consul: Consul::No, client: Client::No, acl: Acl::On, ..Spec::default() };
    let agents = start(spec).await;
    let url = agents.nomad()[0].url();
    let with =
        |token: &Secret<String>| nomad::Client::build(&Endpoint::plain(url.clone()).with_token(token.clone())).unwrap();
    let stranger = nomad_at(&url);
    let error = stranger.nodes(&now_query()).await.unwrap_err();
    assert!(matches!(&error, CallError::Denied { said, .. } if said.contains("Permission denied")), "{error:?}");

    let chosen = Secret::new("2b778dd9-f5f1-6f29-b4b4-9a5fa948757a".to_owned());
    let root = stranger.bootstrap_acl(Some(chosen.clone())).await.unwrap();
    assert_eq!(root.secret, chosen);
    assert!(stranger.bootstrap_acl(None).await.is_err(), "it works once");
    let root = with(&chosen);
    let rules = "namespace \"default\" { policy = \"read\" }".to_owned();
    let policy = AclPolicy { name: "reader".to_owned(), description: String::new(), rules, job_acl: None };
    root.write_policy(&policy).await.unwrap();
    let token = NewToken {
        name: "watcher".to_owned(),
        r#type: "client".to_owned(),
        policies: vec!["reader".to_owned()],
        lives: Some("1h".to_owned()),
    };
    let token = root.create_token(&token).await.unwrap();
    assert!(!format!("{token:?}").contains(token.secret.expose().as_str()));
    let reader = with(&token.secret);
    assert_eq!(reader.own_token().await.unwrap().accessor, token.accessor);
    assert!(reader.jobs(&now_query()).await.unwrap().value.is_empty());
    assert!(matches!(reader.nodes(&now_query()).await, Err(CallError::Denied { .. })));
    assert_eq!(root.tokens().await.unwrap().len(), 2);

    root.revoke_token(&token.accessor).await.unwrap();
    let error = reader.jobs(&now_query()).await.unwrap_err();
    assert!(matches!(error, CallError::Denied { .. }) && !error.is_transient(), "{error:?}");
    root.delete_policy("reader").await.unwrap();
}
