//! Something to measure.

use std::hint::black_box;

/// How often the operation runs while it is counted; counts are divided by this.
pub(crate) const TIMES: u32 = 8;

/// How often it runs before: by then everything that is made once has been made.
const WARM_UPS: u32 = 2;

/// What is measured. It tells how much came of it, so that an operation that does nothing cannot pass for a fast one.
pub(crate) type Operation = Box<dyn FnMut() -> usize>;

/// Something to measure.
pub(crate) struct Case {
    /// `group: what happens`.
    pub(crate) name: String,
    /// How many pieces one operation consists of, and what they are, where the cost is best told per piece.
    pub(crate) pieces: Option<(usize, &'static str)>,
    prepare: Box<dyn Fn() -> Operation>,
}

impl Case {
    /// A case whose operation `prepare` makes; what it does itself is not counted.
    pub(crate) fn new<O>(name: impl Into<String>, prepare: impl Fn() -> O + 'static) -> Self
    where
        O: FnMut() -> usize + 'static,
    {
        Self { name: name.into(), pieces: None, prepare: Box::new(move || Box::new(prepare())) }
    }

    /// The same case, told per piece too.
    pub(crate) fn per(mut self, count: usize, piece: &'static str) -> Self {
        self.pieces = Some((count, piece));
        self
    }

    /// Runs the operation, first uncounted and then counted.
    pub(crate) fn execute(&self) {
        let mut operation = (self.prepare)();
        for _ in 0..WARM_UPS {
            assert!(operation() > 0, "nothing comes of `{}`", self.name);
        }
        repeat_counted(&mut operation);
    }
}

/// The only code that is counted: callgrind knows it by its name.
#[inline(never)]
fn repeat_counted(operation: &mut dyn FnMut() -> usize) {
    for _ in 0..TIMES {
        black_box(operation());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "nothing comes of `idle`")]
    fn an_operation_that_does_nothing_is_refused() {
        Case::new("idle", || || 0).execute();
    }
}
