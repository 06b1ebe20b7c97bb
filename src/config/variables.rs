//! Settings as text: the process environment and `.env`. The only place that reads the environment.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::{Problem, dotenv};

/// Settings by name, taken once at start: the environment, then what `.env` adds.
#[derive(Clone, Default)]
pub struct Variables {
    values: HashMap<String, String>,
}

impl Variables {
    /// The process environment and the `.env` file of `folder`, where there is one; the environment wins.
    pub fn from_process(folder: &Path) -> (Self, Vec<Problem>) {
        // Names and values that are not Unicode cannot be settings of ours.
        let real =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        let path = folder.join(".env");
        match std::fs::read_to_string(&path) {
            Ok(text) => Self::layered(real, &text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Self::layered(real, ""),
            Err(error) => {
                let (variables, _) = Self::layered(real, "");
                (variables, vec![Problem::error(path.display().to_string(), format!("cannot be read: {error}"))])
            }
        }
    }

    fn layered(real: impl Iterator<Item = (String, String)>, dotenv_text: &str) -> (Self, Vec<Problem>) {
        let (from_file, problems) = dotenv::parse(".env", dotenv_text);
        let mut values: HashMap<_, _> = from_file.into_iter().collect();
        values.extend(real);
        (Self { values }, problems)
    }

    /// The same settings with one more, which wins over an earlier value.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.values.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The value of a setting, trimmed: from `NAME`, else from the file that `NAME_FILE` points at.
    /// An empty value counts as absent, as compose files leave one for each variable that is not set.
    ///
    /// # Errors
    /// When the file `NAME_FILE` names cannot be read.
    pub fn get(&self, name: &str) -> Result<Option<String>, Problem> {
        if let Some(value) = self.plain(name) {
            return Ok(Some(value));
        }
        let pointer = format!("{name}_FILE");
        let Some(path) = self.plain(&pointer) else {
            return Ok(None);
        };
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
            Err(error) => Err(Problem::error(pointer, format!("`{path}` cannot be read: {error}"))),
        }
    }

    fn plain(&self, name: &str) -> Option<String> {
        self.values.get(name).map(|value| value.trim()).filter(|value| !value.is_empty()).map(str::to_owned)
    }
}

/// A folder for the data of this process's demo: the system's place for temporary files, never the operator's own data.
pub fn demo_folder() -> PathBuf {
    std::env::temp_dir().join(format!("llm-relay-demo-{}", std::process::id()))
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Variables {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self { values: pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect() }
    }
}

/// Values may be keys: only their number shows.
impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Variables({} names)", self.values.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_wins_over_the_file() {
        let real = [("A".to_owned(), "real".to_owned())];
        let (variables, problems) = Variables::layered(real.into_iter(), "A=file\nB=file");
        assert!(problems.is_empty());
        assert_eq!(variables.get("A").unwrap().as_deref(), Some("real"));
        assert_eq!(variables.get("B").unwrap().as_deref(), Some("file"));
    }

    #[test]
    fn a_value_can_stand_in_a_file_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, "sk-1\n").unwrap();
        let variables: Variables = [("OPENAI_API_KEY_FILE", path.to_str().unwrap()), ("OPENAI_API_KEY", " ")]
            .into_iter()
            .chain([("X_FILE", "/nonexistent/x"), ("Y_FILE", "/nonexistent/y"), ("Y", "here")])
            .collect();
        assert_eq!(variables.get("OPENAI_API_KEY").unwrap().as_deref(), Some("sk-1"));
        assert_eq!(variables.get("X").unwrap_err().place, "X_FILE");
        assert_eq!(variables.get("Y").unwrap().as_deref(), Some("here"));
        assert_eq!(variables.get("Z").unwrap(), None);
    }

    #[test]
    fn values_do_not_print() {
        let variables: Variables = [("OPENAI_API_KEY", "sk-1")].into_iter().collect();
        assert_eq!(format!("{variables:?}"), "Variables(1 names)");
    }
}
