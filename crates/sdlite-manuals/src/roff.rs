//! man(7): what both kinds of pages are made of.

/// What stands for the date of all pages: they change with the releases.
const DATE: &str = "2026-11-28";

/// A manual page, as it is written.
pub struct Page(String);

impl Page {
    /// With its title, and a line on what it is about.
    pub fn new(name: &str, section: &str, about: &str) -> Self {
        let version = env!("CARGO_PKG_VERSION");
        let mut page = Self(format!(".TH {name} {section} {DATE} \"libsdlite {version}\" libsdlite\n"));
        page.section("NAME");
        page.line(&format!("{} \\- {}", escaped(name), escaped(&summary(about))));
        page
    }

    pub fn section(&mut self, name: &str) {
        self.line(&format!(".SH {}", if name.contains(' ') { format!("\"{name}\"") } else { name.to_owned() }));
    }

    /// A paragraph.
    pub fn paragraph(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        // The first one of a section needs no mark.
        if !self.0.lines().next_back().is_some_and(|line| line.starts_with(".SH")) {
            self.line(".PP");
        }
        self.prose(text);
    }

    /// A term, and what it means.
    pub fn item(&mut self, term: &str, text: &str) {
        self.line(".TP");
        self.line(&format!("\\fB{}\\fR", escaped(term)));
        self.prose(text);
    }

    /// Lines that stay as they are, by themselves.
    pub fn lines<'a>(&mut self, lines: impl IntoIterator<Item = &'a str>) {
        if !self.0.lines().next_back().is_some_and(|line| line.starts_with(".SH")) {
            self.line(".PP");
        }
        self.line(".nf");
        for line in lines {
            self.line(&protected(&escaped_code(line)));
        }
        self.line(".fi");
    }

    pub fn text(self) -> String {
        self.0
    }

    fn prose(&mut self, text: &str) {
        for line in text.lines() {
            self.line(&protected(&escaped(line.trim())));
        }
    }

    fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }
}

/// The first sentence, as it stands behind a name.
fn summary(about: &str) -> String {
    let about = about.replace('\n', " ");
    let sentence = about.split(". ").next().unwrap_or_default().trim_end_matches(['.', ':']);
    let mut characters = sentence.chars();
    let first = characters.next().map(|first| first.to_lowercase().to_string()).unwrap_or_default();
    // A name at the beginning stays as it is.
    if characters.clone().next().is_some_and(char::is_uppercase) {
        return sentence.to_owned();
    }
    first + characters.as_str()
}

/// Prose: hyphens of options and paths are to be copied as they are.
fn escaped(text: &str) -> String {
    let word = |word: &str| {
        let is_code = word.trim_start_matches(['(', '"', '\'', '[', '<']).starts_with(['-', '/', '$', '@']);
        if is_code || word.contains("--") { escaped_code(word) } else { word.replace('\\', "\\e") }
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

fn escaped_code(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-")
}

/// A line that begins as a request would.
fn protected(line: &str) -> String {
    if line.starts_with(['.', '\'']) { format!("\\&{line}") } else { line.to_owned() }
}
