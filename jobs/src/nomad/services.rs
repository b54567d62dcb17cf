//! Services that are registered in Nomad itself, namespaces, and looking things up by the beginning of their id.

use std::collections::BTreeMap;

use super::{Client, Namespace, ServiceNamespace, ServiceRegistration, generated::types};
use crate::{
    blocking::{Listing, Query},
    transport::CallError,
};

impl Client {
    /// Names of services, by namespace.
    pub async fn services(&self, query: &Query) -> Result<Listing<Vec<ServiceNamespace>>, CallError> {
        let wait = query.wait_text();
        self.list(Box::pin(self.api.service_list(
            query.filter.as_deref(),
            query.index_number(),
            query.page_from(),
            query.page_size(),
            query.prefix.as_deref(),
            query.stale(),
            wait.as_deref(),
        )))
        .await
    }

    /// Instances of one.
    pub async fn service(&self, name: &str, query: &Query) -> Result<Listing<Vec<ServiceRegistration>>, CallError> {
        let wait = query.wait_text();
        self.list(Box::pin(self.api.service_read(name, query.index_number(), query.stale(), wait.as_deref()))).await
    }

    /// Namespaces.
    pub async fn namespaces(&self) -> Result<Vec<Namespace>, CallError> {
        Ok(self.list(Box::pin(self.api.namespace_list(None, None, None, None, None, None, None))).await?.value)
    }

    /// Ids of a kind (`jobs`, `allocs`, `nodes`, `deployment`, `evals` or `all`) that begin so, by kind.
    pub async fn search(&self, prefix: &str, kind: &str) -> Result<BTreeMap<String, Vec<String>>, CallError> {
        let body = types::SearchRequest { prefix: prefix.to_owned(), context: kind.to_owned() };
        let found = self.ask(Box::pin(self.api.search(&body))).await?.matches.unwrap_or_default();
        Ok(found.into_iter().map(|(kind, ids)| (kind, ids.unwrap_or_default())).collect())
    }
}
