//! A dot for each piece of data set that passes, on stdout: `RECV: ....`

use super::Level;
use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Prints the lines of dots, if the level is exactly INFO as DCMTK does; else it does nothing, at no cost.
///
/// Several associations share stdout and no two mix in one line. The first to begin prints as it goes. The others only
/// count: their lines follow, whole, once it has ended, and the longest-waiting that still runs goes on as it goes.
/// At most 1000 ended lines wait behind a slow one, the rest are forgotten.
#[derive(Clone, Debug)]
pub struct Progress {
    shared: Option<Arc<Shared>>,
}

struct Shared {
    // Held for moments only: whoever prints, which may take as long as stdout's reader likes, holds nothing.
    turns: Mutex<Turns>,
    out: Mutex<Box<dyn Write + Send>>,
}

#[derive(Default)]
struct Turns {
    taken: bool,
    waiting: VecDeque<Arc<Turn>>,
    ended: VecDeque<(&'static str, u64)>,
}

#[derive(Debug, Default)]
struct Turn(AtomicBool);

/// A line of dots that is being counted or printed; it ends when dropped. See [`Progress::begin`].
#[derive(Debug)]
#[must_use]
pub struct DotLine {
    line: Option<Line>,
}

#[derive(Debug)]
struct Line {
    shared: Arc<Shared>,
    turn: Arc<Turn>,
    label: &'static str,
    labelled: bool,
    /// Dots counted but not printed.
    due: u64,
}

/// Ended lines that may wait behind the one that is being printed.
const WAITING: usize = 1000;

impl Progress {
    /// What this level prints on stdout.
    pub fn at(level: Level) -> Self {
        if level == Level::Info { Self::to(Box::new(io::stdout())) } else { Self { shared: None } }
    }

    fn to(out: Box<dyn Write + Send>) -> Self {
        Self { shared: Some(Arc::new(Shared { turns: Mutex::default(), out: Mutex::new(out) })) }
    }

    /// Begins a line, `RECV: ` or `XMIT: `. Nothing is printed before its first dot or its end.
    pub fn begin(&self, label: &'static str) -> DotLine {
        let line = self.shared.as_ref().map(|shared| {
            let turn = Arc::new(Turn::default());
            let mut turns = shared.turns();
            if turns.taken {
                turns.waiting.push_back(Arc::clone(&turn));
            } else {
                turns.taken = true;
                turn.0.store(true, Ordering::Relaxed);
            }
            Line { shared: Arc::clone(shared), turn, label, labelled: false, due: 0 }
        });
        DotLine { line }
    }
}

impl DotLine {
    /// Adds so many dots, in one write.
    pub fn dots(&mut self, count: usize) {
        if let Some(line) = &mut self.line {
            line.due = line.due.saturating_add(count as u64);
            if line.turn.0.load(Ordering::Acquire) {
                line.print("");
            }
        }
    }

    /// Ends the line.
    pub fn end(self) {}
}

impl Drop for DotLine {
    fn drop(&mut self) {
        if let Some(line) = &mut self.line {
            line.end();
        }
    }
}

impl Line {
    fn print(&mut self, end: &str) {
        let label = if self.labelled { "" } else { self.label };
        self.labelled = true;
        self.shared.print(label, std::mem::take(&mut self.due), end);
    }

    fn end(&mut self) {
        let mut turns = self.shared.turns();
        if !self.turn.0.load(Ordering::Relaxed) {
            turns.waiting.retain(|other| !Arc::ptr_eq(other, &self.turn));
            if turns.ended.len() < WAITING {
                turns.ended.push_back((self.label, self.due));
            }
            return;
        }
        drop(turns);
        self.print("\n");
        self.shared.pass_on();
    }
}

impl Shared {
    fn turns(&self) -> MutexGuard<'_, Turns> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Prints what has ended meanwhile, and gives the turn to the next that runs.
    fn pass_on(&self) {
        loop {
            let mut turns = self.turns();
            let ended = std::mem::take(&mut turns.ended);
            if ended.is_empty() {
                match turns.waiting.pop_front() {
                    Some(next) => next.0.store(true, Ordering::Release),
                    None => turns.taken = false,
                }
                return;
            }
            drop(turns);
            for (label, dots) in ended {
                self.print(label, dots, "\n");
            }
        }
    }

    /// One write, unless there are thousands of dots. What stdout does not take is lost.
    fn print(&self, label: &str, mut dots: u64, end: &str) {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = Vec::from(label);
        while dots > MOST_DOTS {
            text.resize(text.len() + MOST_DOTS as usize, b'.');
            dots -= MOST_DOTS;
            let _ = out.write_all(&text);
            text.clear();
        }
        text.resize(text.len() + dots as usize, b'.');
        text.extend_from_slice(end.as_bytes());
        let _ = out.write_all(&text).and_then(|()| out.flush());
    }
}

/// Dots in one write at most.
const MOST_DOTS: u64 = 4096;

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
