//! Places for WebSockets. Clients that are identified and clients that are not yet have places of their own, so that
//! whoever has no key takes none from those who have one. All counting is under one lock: no two connections take the
//! last place.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::limits::SocketLimits;

/// Age at which a connection that has not identified itself gives way to a new one. Clients identify themselves at once;
/// those that only hold the place do not.
const GIVES_WAY: Duration = Duration::from_millis(500);

/// The places. Clones share them.
#[derive(Clone)]
pub struct Seats(Arc<Inner>);

struct Inner {
    limits: SocketLimits,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    identified: usize,
    unidentified: usize,
    /// Unidentified connections by network, the oldest first.
    of_network: BTreeMap<IpAddr, VecDeque<Waiting>>,
    next: u64,
}

struct Waiting {
    number: u64,
    since: Instant,
    gives_way: CancellationToken,
}

impl Seats {
    /// Creates the places, all of them free.
    pub fn new(limits: SocketLimits) -> Self {
        Self(Arc::new(Inner {
            limits,
            taken: Mutex::default(),
        }))
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.0.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place for an identified client. `None` if all are taken.
    pub fn identified(&self) -> Option<Seat> {
        let mut taken = self.taken();
        if taken.identified >= self.0.limits.sockets {
            return None;
        }
        taken.identified += 1;
        Some(Seat(self.clone()))
    }

    /// Takes a place for a client of this address that has yet to identify itself. Where none is free, the oldest
    /// connection of the same network gives way, or else the oldest of all, if it had its time. `None` if none does.
    pub fn unidentified(&self, address: IpAddr) -> Option<WaitingSeat> {
        let network = network(address);
        let mut taken = self.taken();
        let of_network = taken.of_network.get(&network).map_or(0, VecDeque::len);
        let (limits, now) = (&self.0.limits, Instant::now());
        if of_network >= limits.unidentified_of_address {
            taken.make_way(network, now)?;
        } else if taken.unidentified >= limits.unidentified {
            let oldest = taken.oldest()?;
            taken.make_way(oldest, now)?;
        }
        let (number, gives_way) = (taken.next, CancellationToken::new());
        taken.next += 1;
        taken.unidentified += 1;
        taken.of_network.entry(network).or_default().push_back(Waiting {
            number,
            since: now,
            gives_way: gives_way.clone(),
        });
        Some(WaitingSeat {
            seats: self.clone(),
            network,
            number,
            gives_way,
        })
    }
}

impl Taken {
    /// Returns the network with the oldest connection.
    fn oldest(&self) -> Option<IpAddr> {
        let fronts = self.of_network.iter();
        let fronts = fronts.filter_map(|(network, waiting)| Some((waiting.front()?.number, *network)));
        fronts.min().map(|(_, network)| network)
    }

    /// Ends the oldest connection of a network, if it is old enough.
    fn make_way(&mut self, network: IpAddr, now: Instant) -> Option<()> {
        let oldest = self.of_network.get(&network)?.front()?;
        if now.duration_since(oldest.since) < GIVES_WAY {
            return None;
        }
        oldest.gives_way.cancel();
        let number = oldest.number;
        self.leave(network, number);
        Some(())
    }

    /// Frees a place; does nothing if it was given away.
    fn leave(&mut self, network: IpAddr, number: u64) {
        let Some(waiting) = self.of_network.get_mut(&network) else {
            return;
        };
        let before = waiting.len();
        waiting.retain(|of| of.number != number);
        self.unidentified -= before - waiting.len();
        if waiting.is_empty() {
            self.of_network.remove(&network);
        }
    }
}

/// Returns what stands for a client: its IPv4 address, or the /64 of its IPv6 address, of which it can use every one.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// The place of an identified client, given back when it is dropped.
pub struct Seat(Seats);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.taken().identified -= 1;
    }
}

/// The place of a client that has yet to identify itself, given back when it is dropped.
pub struct WaitingSeat {
    seats: Seats,
    network: IpAddr,
    number: u64,
    gives_way: CancellationToken,
}

impl WaitingSeat {
    /// Waits until another connection needs the place.
    pub async fn gave_way(&self) {
        self.gives_way.cancelled().await;
    }

    /// Exchanges it for the place of an identified client. `None` if all of those are taken.
    pub fn identified(self) -> Option<Seat> {
        self.seats.identified()
    }
}

impl Drop for WaitingSeat {
    fn drop(&mut self) {
        self.seats.taken().leave(self.network, self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seats(sockets: usize, of_address: usize, all: usize) -> Seats {
        Seats::new(SocketLimits {
            sockets,
            unidentified_of_address: of_address,
            unidentified: all,
            ..SocketLimits::default()
        })
    }

    /// Waits until a connection gives way.
    async fn made_room(seats: &Seats, address: IpAddr) -> WaitingSeat {
        loop {
            if let Some(seat) = seats.unidentified(address) {
                return seat;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    #[tokio::test]
    async fn silent_client_gives_way_and_takes_no_seat() {
        let seats = seats(1, 2, 3);
        let [one, other, third]: [IpAddr; 3] = ["192.0.2.1", "192.0.2.2", "2001:db8::1"].map(|a| a.parse().unwrap());
        let first = seats.unidentified(one).unwrap();
        let second = seats.unidentified(one).unwrap();
        assert!(seats.unidentified(one).is_none(), "both are new");
        let elsewhere = seats.unidentified(other).unwrap();
        assert!(seats.unidentified(third).is_none(), "all places are taken");
        let seat = seats.identified().unwrap();
        assert!(seats.identified().is_none() && second.identified().is_none());
        drop(seat);
        // `second` gave its place back when it was refused one among the identified.
        let _second = seats.unidentified(one).unwrap();
        let _third = made_room(&seats, one).await;
        first.gave_way().await;
        drop(first);
        let taken = seats.taken().unidentified;
        assert_eq!(taken, 3, "a place that was given away is not given back again");
        let _far = made_room(&seats, third).await;
        elsewhere.gave_way().await;
        assert!(seats.identified().is_some());
    }

    #[test]
    fn ipv6_network_is_one_client() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
