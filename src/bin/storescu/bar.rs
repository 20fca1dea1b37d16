//! A progress bar on the terminal, for whoever waits for more than a handful of files.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use pacs_tools::log::{self, Level};
use rustix::termios::isatty;

use crate::options::Config;

/// So many files are over before anybody looks.
const HANDFUL: usize = 5;

/// How often it is drawn, a second.
const DRAWN: u8 = 10;

/// The bar, or nothing.
#[derive(Debug)]
pub(crate) struct Bar {
    bar: Option<ProgressBar>,
}

impl Bar {
    /// A bar for so many files, if stderr is a terminal and the log is as it is without options: with them somebody reads
    /// what is done, or wants to read nothing.
    pub(crate) fn new(config: &Config, files: usize) -> Self {
        let general = &config.general;
        let wanted = files > HANDFUL && general.level == Level::Warn && general.log.is_none();
        if !wanted || !isatty(std::io::stderr()) {
            return Self { bar: None };
        }
        let bar = ProgressBar::with_draw_target(Some(files as u64), ProgressDrawTarget::stderr_with_hz(DRAWN));
        // The template is ours and right; if it were not, the bar would look otherwise.
        if let Ok(style) = ProgressStyle::with_template("{wide_bar} {pos}/{len} files, {rate}, {eta} left") {
            let rate = |state: &ProgressState, out: &mut dyn Write| {
                // There is nobody to tell of a terminal that takes nothing.
                _ = write!(out, "{:.1} a second", state.per_sec());
            };
            bar.set_style(style.with_key("rate", rate));
        }
        bar.enable_steady_tick(Duration::from_secs(1));
        let around = bar.clone();
        log::around_stderr(move |write| around.suspend(write));
        Self { bar: Some(bar) }
    }

    /// One more file has been tried.
    pub(crate) fn file(&self, _: &Path) {
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
    }

    /// It goes away.
    pub(crate) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
