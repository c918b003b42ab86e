//! Bars, side by side, as SVG.

use std::error::Error;
use std::ops::Range;
use std::path::Path;

use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const WIDTH: u32 = 860;
/// From the left to where the bars begin, and from where they end at most to the right.
const LEFT: u32 = 270;
const RIGHT: u32 = 90;
const BAR: u32 = 15;
const GAP: u32 = 12;
const TEXT: RGBColor = RGBColor(40, 44, 52);
const LINES: RGBColor = RGBColor(214, 218, 224);
/// Ours is the first.
const COLOURS: [RGBColor; 4] =
    [RGBColor(20, 130, 120), RGBColor(150, 156, 166), RGBColor(95, 102, 114), RGBColor(200, 150, 60)];

/// A plot: for each row a bar in each of the series, where there is a value.
pub struct Plot<'a> {
    pub title: &'a str,
    /// What the values are, with their unit.
    pub axis: &'a str,
    pub series: &'a [String],
    /// Which colour each series has; the first is ours.
    pub colours: &'a [usize],
    pub rows: Vec<(String, Vec<Option<f64>>)>,
    /// Of the values; a logarithmic axis where it does not begin with zero.
    pub range: Range<f64>,
    pub label: fn(f64) -> String,
}

impl Plot<'_> {
    pub fn write(&self, path: &Path) -> Result<()> {
        if self.range.start > 0.0 {
            self.draw(path, self.range.clone().log_scale().base(10.0))
        } else {
            self.draw(path, self.range.clone())
        }
    }

    fn draw<X>(&self, path: &Path, range: X) -> Result<()>
    where
        X: AsRangedCoord<Value = f64>,
        X::CoordDescType: ValueFormatter<f64>,
    {
        let present = |values: &[Option<f64>]| values.iter().flatten().count() as u32;
        let most = self.rows.iter().map(|(_, values)| present(values)).max().unwrap_or(0);
        let row_height = BAR * most + GAP;
        let height = 120 + row_height * self.rows.len() as u32;
        let root = SVGBackend::new(path, (WIDTH, height)).into_drawing_area();
        // A background of its own, as the page may be light or dark.
        root.fill(&WHITE)?;
        let text = |size: u32| ("sans-serif", size).into_font().color(&TEXT);
        let anchor = |horizontal, vertical| Pos::new(horizontal, vertical);
        root.draw(&Text::new(self.title.to_owned(), (16, 12), text(18)))?;
        self.legend(&root, &text(13))?;

        let rows = self.rows.len() as f64;
        let mut chart = ChartBuilder::on(&root)
            .margin_top(62)
            .margin_right(RIGHT)
            .x_label_area_size(48)
            .y_label_area_size(LEFT)
            .build_cartesian_2d(range, 0.0..rows)?;
        chart
            .configure_mesh()
            .disable_y_mesh()
            .disable_y_axis()
            .x_labels(6)
            .x_label_formatter(&|value| (self.label)(*value))
            .x_desc(self.axis)
            .label_style(text(13))
            .axis_desc_style(text(13))
            .light_line_style(WHITE)
            .bold_line_style(LINES)
            .axis_style(LINES)
            .draw()?;
        for (i, (name, values)) in self.rows.iter().enumerate() {
            // Downwards, the first at the top, and those that there are in the middle.
            let middle = rows - i as f64 - 0.5;
            let height = f64::from(BAR) / f64::from(row_height);
            let mut top = middle + height * f64::from(present(values)) / 2.0;
            for (value, colour) in
                values.iter().zip(self.colours).filter_map(|(value, colour)| Some(((*value)?, colour)))
            {
                let bar = [(self.range.start, top), (value, top - height * 0.9)];
                chart.draw_series([Rectangle::new(bar, COLOURS[*colour].filled())])?;
                let (x, y) = chart.backend_coord(&(value, top - height * 0.45));
                root.draw(&Text::new((self.label)(value), (x + 5, y), text(12).pos(anchor(HPos::Left, VPos::Center))))?;
                top -= height;
            }
            let (x, y) = chart.backend_coord(&(self.range.start, middle));
            root.draw(&Text::new(name.clone(), (x - 8, y), text(13).pos(anchor(HPos::Right, VPos::Center))))?;
        }
        root.present()?;
        Ok(())
    }

    fn legend<B: DrawingBackend>(&self, root: &DrawingArea<B, plotters::coord::Shift>, style: &TextStyle) -> Result<()>
    where
        B::ErrorType: 'static,
    {
        let mut x = LEFT as i32;
        for (series, colour) in self.series.iter().zip(self.colours) {
            root.draw(&Rectangle::new([(x, 40), (x + 12, 52)], COLOURS[*colour].filled()))?;
            root.draw(&Text::new(series.clone(), (x + 18, 39), style.clone()))?;
            x += 40 + 8 * series.len() as i32;
        }
        Ok(())
    }
}
