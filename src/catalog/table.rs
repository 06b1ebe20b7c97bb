//! The models as a table for people: what `llm-relay models` prints.

use super::{Catalog, Model};
use crate::money::PicoUsd;
use crate::protocol::ModelKind;

/// Every model that can be called: name, kind, context, prices in USD per million tokens, and where the price is from.
/// Columns are padded; there is always a heading.
pub fn table(catalog: &Catalog) -> String {
    let heading = ["NAME", "KIND", "CONTEXT", "IN $/M", "OUT $/M", "PRICE FROM"].map(str::to_owned);
    let callable = catalog.models().iter().filter(|model| model.is_callable());
    let rows: Vec<[String; 6]> = std::iter::once(heading).chain(callable.map(|model| row(model))).collect();
    let mut widths = [0; 6];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for [name, kind, context, input, output, source] in &rows {
        let [name_width, kind_width, context_width, input_width, output_width, _] = widths;
        let line = format!(
            "{name:name_width$}  {kind:kind_width$}  {context:>context_width$}  {input:>input_width$}  \
             {output:>output_width$}  {source}"
        );
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn row(model: &Model) -> [String; 6] {
    let kind = match model.profile.kind {
        ModelKind::Chat => "chat",
        ModelKind::Embedding => "embedding",
    };
    let price = model.price.as_deref();
    let dollars = |price: Option<PicoUsd>| price.map_or_else(|| "-".to_owned(), PicoUsd::to_usd_per_million);
    [
        model.name(),
        kind.to_owned(),
        model.profile.context_length.map_or_else(|| "-".to_owned(), |tokens| tokens.to_string()),
        dollars(price.and_then(|price| price.base.input)),
        dollars(price.and_then(|price| price.base.output)),
        price.map_or_else(|| "unknown".to_owned(), |price| price.source.clone()),
    ]
}
