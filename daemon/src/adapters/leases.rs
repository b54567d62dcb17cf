//! DHCP's leases, kept by the store: one commit for all that waited, back after the sync.

use pxe::dhcp::{Lease, LeaseLog, LeaseState};
use store::{Batch, LeaseRow, Store};
use tasks::BoxError;

/// The store as DHCP knows it.
pub struct LeaseBook(pub Store);

#[async_trait::async_trait]
impl LeaseLog for LeaseBook {
    async fn load(&self) -> Result<Vec<Lease>, BoxError> {
        self.0.leases().await?.iter().map(lease).collect()
    }

    async fn commit(&self, leases: Vec<Lease>) -> Result<(), BoxError> {
        let batch = Batch { leases: leases.iter().map(row).collect(), ..Batch::default() };
        self.0.commit(batch).await?;
        Ok(())
    }
}

fn row(lease: &Lease) -> LeaseRow {
    LeaseRow {
        address: lease.address,
        mac: lease.client.mac(),
        client: lease.client.to_string(),
        hostname: None,
        state: lease.state.name().to_owned(),
        since: lease.since,
        expires: lease.expires,
    }
}

fn lease(row: &LeaseRow) -> Result<Lease, BoxError> {
    let state =
        LeaseState::named(&row.state).ok_or_else(|| format!("the lease of {} is {:?}", row.address, row.state))?;
    Ok(Lease { address: row.address, client: row.client.parse()?, state, since: row.since, expires: row.expires })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use pxe::dhcp::Client;
    use vocabulary::Mac;

    use super::*;

    #[tokio::test]
    async fn leases_come_back_as_they_were_kept_and_a_declined_address_stays_declined() {
        let folder = tempfile::tempdir().unwrap();
        let at = |second| Timestamp::from_second(second).unwrap();
        let store = Store::open(folder.path(), at(0)).await.unwrap();
        let book = LeaseBook(store);
        let client = Client::Mac(Mac([2; 6]));
        let lease = |last, state| Lease {
            address: std::net::Ipv4Addr::new(10, 77, 1, last),
            client: client.clone(),
            state,
            since: at(1),
            expires: at(100),
        };
        let kept = vec![lease(1, LeaseState::Declined), lease(2, LeaseState::Bound)];
        book.commit(kept.clone()).await.unwrap();
        let mut loaded = book.load().await.unwrap();
        loaded.sort_by_key(|lease| lease.address);
        assert_eq!(loaded, kept);
    }
}
