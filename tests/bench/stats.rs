//! Medians and spreads.

/// The middle of a sample and the range that four fifths of it lie in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    pub p10: f64,
    pub p50: f64,
    pub p90: f64,
}

impl Spread {
    /// Of an empty sample all are NaN.
    pub fn of(sample: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = sample.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let at = |percent: usize| {
            let index = sorted.len().saturating_sub(1) * percent / 100;
            sorted.get(index).copied().unwrap_or(f64::NAN)
        };
        Self { p10: at(10), p50: at(50), p90: at(90) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_the_sample_does_not_matter() {
        let spread = Spread::of((0..=100).rev().map(f64::from));
        assert_eq!(spread, Spread { p10: 10.0, p50: 50.0, p90: 90.0 });
        assert!(Spread::of([]).p50.is_nan());
    }
}
