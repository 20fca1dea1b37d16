//! Who is being served: how many, who stores where, and how to end them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pacs_core::archive::config::Name;
use pacs_core::net::Waker;

use crate::admit::Load;

/// All associations that are served.
#[derive(Debug, Default)]
pub(crate) struct Crowd {
    inside: Mutex<Inside>,
    left: Condvar,
}

#[derive(Debug, Default)]
struct Inside {
    last: u64,
    seats: HashMap<u64, Seated>,
}

#[derive(Debug)]
struct Seated {
    /// The title it called.
    title: Name,
    /// It may store there.
    stores: bool,
    waker: Waker,
    busy: Arc<AtomicBool>,
}

/// An association's place; given back when dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    crowd: Arc<Crowd>,
    number: u64,
    busy: Arc<AtomicBool>,
}

impl Crowd {
    /// How busy it is for a caller of this title.
    pub(crate) fn load(&self, title: &[u8]) -> Load {
        let inside = self.lock();
        let storing = inside.seats.values().any(|seated| seated.stores && seated.title.as_bytes() == title);
        Load { associations: inside.seats.len(), storing }
    }

    /// Takes a place.
    pub(crate) fn enter(self: &Arc<Self>, title: Name, stores: bool, waker: Waker) -> Seat {
        let busy = Arc::new(AtomicBool::new(false));
        let mut inside = self.lock();
        inside.last += 1;
        let number = inside.last;
        inside.seats.insert(number, Seated { title, stores, waker, busy: Arc::clone(&busy) });
        Seat { crowd: Arc::clone(self), number, busy }
    }

    /// Ends all: those who wait for a command at once, the others when they are done, at the latest after `patience`.
    /// Returns how many were broken off.
    pub(crate) fn drain(&self, patience: Duration) -> usize {
        let end = Instant::now() + patience;
        let mut inside = self.lock();
        loop {
            for seated in inside.seats.values().filter(|seated| !seated.busy.load(Ordering::SeqCst)) {
                seated.waker.stop_reading();
            }
            let left = end.saturating_duration_since(Instant::now());
            if inside.seats.is_empty() || left.is_zero() {
                break;
            }
            // Whoever becomes idle meanwhile is ended in the next round.
            let round = left.min(Duration::from_millis(50));
            inside = self.left.wait_timeout(inside, round).unwrap_or_else(PoisonError::into_inner).0;
        }
        for seated in inside.seats.values() {
            seated.waker.end();
        }
        inside.seats.len()
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// It has a message to serve, or waits for the next one.
    pub(crate) fn is_busy(&self, busy: bool) {
        self.busy.store(busy, Ordering::SeqCst);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.crowd.lock().seats.remove(&self.number);
        self.crowd.left.notify_all();
    }
}
