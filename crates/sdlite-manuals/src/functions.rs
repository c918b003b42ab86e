//! A page for each function of the C library, from the comment that the header has on it.

use crate::roff::Page;

/// A function, or a macro that the header documents as one.
pub struct Function {
    header: String,
    pub name: String,
    /// As C declares it.
    declaration: String,
    comment: Vec<String>,
}

/// What a comment consists of.
enum Block {
    Prose(String),
    /// A parameter or an error, and what it means.
    Term(String, String),
    Code(Vec<String>),
}

/// The functions that a header documents.
pub fn of_header(header: &str, text: &str) -> Vec<Function> {
    let mut functions = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.trim() != "/**" {
            continue;
        }
        let comment = lines.by_ref().take_while(|line| line.trim() != "*/");
        let comment = comment.map(|line| line.trim_start().trim_start_matches('*'));
        let comment = comment.map(|line| line.strip_prefix(' ').unwrap_or(line).to_owned()).collect();
        if let Some((name, declaration)) = declared(lines.next().unwrap_or_default()) {
            functions.push(Function { header: header.to_owned(), name, declaration, comment });
        }
    }
    functions
}

/// The name and the declaration, if it is that of a function.
fn declared(line: &str) -> Option<(String, String)> {
    let line = line.trim_start_matches("static __inline__ ").replace("SDLITE_STATIC ", "static ");
    let (line, is_macro) = line.strip_prefix("#define ").map_or((&*line, false), |line| (line, true));
    let (before, _) = line.split_once('(')?;
    let name = before.rsplit([' ', '*']).next()?;
    let end = if is_macro {
        line.find(')')? + 1
    } else {
        line.find(" __attribute__").or(line.rfind(')').map(|end| end + 1))?
    };
    name.starts_with("sd_").then(|| (name.to_owned(), format!("{};", &line[..end])))
}

impl Function {
    /// The page, in man(7).
    pub fn page(&self) -> String {
        let mut page = Page::new(&self.name, "3sdlite", &self.comment.join("\n"));
        page.section("SYNOPSIS");
        page.lines([&*format!("#include <systemd/{}>", self.header), "", &self.declaration]);
        page.section("DESCRIPTION");
        let mut see = Vec::new();
        let mut code = Vec::new();
        for block in self.blocks() {
            match block {
                Block::Prose(text) => {
                    let (text, also) = without_see(&text);
                    see.extend(also);
                    if text.starts_with("Returns") {
                        page.section("RETURN VALUE");
                    }
                    if !text.is_empty() {
                        page.paragraph(&text);
                    }
                }
                Block::Term(term, meaning) => page.item(&term, &meaning),
                Block::Code(lines) => code.push(lines),
            }
        }
        if !code.is_empty() {
            page.section("EXAMPLES");
            code.iter().for_each(|lines| page.lines(lines.iter().map(String::as_str)));
        }
        if !see.is_empty() {
            page.section("SEE ALSO");
            page.paragraph(&see.join(", "));
        }
        page.text()
    }

    fn blocks(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        for lines in self.comment.split(|line| line.is_empty()).filter(|lines| !lines.is_empty()) {
            if lines.iter().all(|line| line.starts_with("    ")) {
                blocks.push(Block::Code(lines.iter().map(|line| line[4..].to_owned()).collect()));
                continue;
            }
            for line in lines {
                match (self.term(line), blocks.last_mut()) {
                    (Some((term, meaning)), _) => blocks.push(Block::Term(term.to_owned(), meaning.to_owned())),
                    // Lines belong together, but for the first one, and an error that has no number of its own.
                    (None, Some(Block::Prose(text) | Block::Term(_, text)))
                        if !std::ptr::eq(line, &lines[0]) && !line.starts_with("Any ") =>
                    {
                        text.push('\n');
                        text.push_str(line);
                    }
                    (None, _) => blocks.push(Block::Prose(line.clone())),
                }
            }
        }
        blocks
    }

    /// `name: meaning` of a parameter, or of an error.
    fn term<'a>(&self, line: &'a str) -> Option<(&'a str, &'a str)> {
        let (term, meaning) = line.split_once(": ")?;
        let is_name = |name: &str| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
        };
        (term.split(", ").all(is_name) && (term.starts_with("-E") || self.has_parameter(term)))
            .then_some((term, meaning))
    }

    fn has_parameter(&self, term: &str) -> bool {
        let words = self.declaration.split(|character: char| !character.is_alphanumeric() && character != '_');
        let words: Vec<_> = words.collect();
        term.split(", ").all(|name| name == "..." || words.contains(&name))
    }
}

/// A paragraph without `See sd_notify(3).` at its end, and the pages that are named there.
fn without_see(text: &str) -> (String, Vec<String>) {
    let is_end = |place: &usize| text[..*place].is_empty() || text[..*place].ends_with([' ', '\n']);
    match text.rfind("See ").filter(is_end) {
        Some(place) if text.trim_end().ends_with(").") => {
            let pages = text[place + 4..].trim_end().trim_end_matches('.').replace(" and ", ", ").replace('\n', " ");
            (text[..place].trim_end().to_owned(), pages.split(", ").map(|page| page.trim().to_owned()).collect())
        }
        _ => (text.to_owned(), Vec::new()),
    }
}
