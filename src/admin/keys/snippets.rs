//! What to do with a key: ready texts for the programs that people connect. The page's script puts the key in the place of
//! [`PLACE`].

use serde_json::json;

use super::super::api_address::ApiAddress;
use crate::auth::AuthMode;

/// Stands where the key goes.
pub(super) const PLACE: &str = "YOUR_KEY";

/// A text to copy.
#[derive(Debug)]
pub(super) struct Snippet {
    /// What it is told apart by on the page.
    pub(super) id: &'static str,
    /// The program or language.
    pub(super) tab: &'static str,
    /// What to do with it.
    pub(super) note: String,
    pub(super) code: String,
}

/// For an API at this address, with a model to ask.
pub(super) fn snippets(api: &ApiAddress, mode: AuthMode, model: &str) -> Vec<Snippet> {
    let url = &api.url;
    // JSON's texts are Python's and JavaScript's, too, so no name breaks out of its quotes.
    let text = json!(model).to_string();
    let body = json!({ "model": model, "messages": [{ "role": "user", "content": "Hello" }] }).to_string();
    // No quote of a name may end ours in somebody's shell.
    let (body, word) = (shell(&body), shell(model));
    // The ollama command has no way to send a key.
    let ollama_run = match mode {
        AuthMode::Open => format!("\nollama run {word}"),
        AuthMode::Keys => String::new(),
    };
    let messages = r#"[{"role": "user", "content": "Hello"}]"#;
    vec![
        Snippet {
            id: "webui",
            tab: "Open WebUI",
            note: format!(
                "Admin Panel → Settings → Connections → Manage Ollama API Connections → +. From a container on the relay’s \
                 own machine the host is host.docker.internal. As an OpenAI connection, {url}/v1 works as well."
            ),
            code: format!("URL:  {url}\nAuth: Bearer\nKey:  {PLACE}"),
        },
        Snippet {
            id: "ollama",
            tab: "Ollama",
            note: "Ollama’s libraries read these variables, and so do many programs built on them. The ollama command itself \
                   sends no key: it works where AUTH_MODE is open."
                .to_owned(),
            code: format!("export OLLAMA_HOST={url}\nexport OLLAMA_API_KEY={PLACE}{ollama_run}"),
        },
        Snippet {
            id: "python-openai",
            tab: "Python: openai",
            note: "pip install openai".to_owned(),
            code: format!(
                "from openai import OpenAI\n\nclient = OpenAI(base_url=\"{url}/v1\", api_key=\"{PLACE}\")\nanswer = \
                 client.chat.completions.create(\n    model={text},\n    messages={messages},\n)\n\
                 print(answer.choices[0].message.content)"
            ),
        },
        Snippet {
            id: "python-ollama",
            tab: "Python: ollama",
            note: "pip install ollama".to_owned(),
            code: format!(
                "from ollama import Client\n\nclient = Client(host=\"{url}\", headers={{\"Authorization\": \"Bearer \
                 {PLACE}\"}})\nanswer = client.chat(\n    model={text},\n    messages={messages},\n)\n\
                 print(answer.message.content)"
            ),
        },
        Snippet {
            id: "javascript",
            tab: "JavaScript",
            note: "npm install openai".to_owned(),
            code: format!(
                "import OpenAI from \"openai\";\n\nconst client = new OpenAI({{ baseURL: \"{url}/v1\", apiKey: \"{PLACE}\" \
                 }});\nconst answer = await client.chat.completions.create({{\n  model: {text},\n  messages: [{{ role: \
                 \"user\", content: \"Hello\" }}],\n}});\nconsole.log(answer.choices[0].message.content);"
            ),
        },
        Snippet {
            id: "curl",
            tab: "curl",
            note: "The same with Ollama’s format: /api/chat.".to_owned(),
            code: format!(
                "curl {url}/v1/chat/completions \\\n  -H 'Authorization: Bearer {PLACE}' \\\n  -H 'Content-Type: \
                 application/json' \\\n  -d {body}"
            ),
        },
    ]
}

/// A text as one word of a shell.
fn shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::super::super::api_address::Reach;
    use super::*;

    fn all(model: &str) -> Vec<Snippet> {
        snippets(&ApiAddress { url: "http://nas:1".into(), reach: Reach::Anyone }, AuthMode::Open, model)
    }

    #[test]
    fn every_text_has_the_address_and_a_place_for_the_key() {
        for snippet in all("fast") {
            assert!(snippet.code.contains("http://nas:1"), "{}", snippet.code);
            assert_eq!(snippet.code.matches(PLACE).count(), 1, "{}", snippet.code);
        }
    }

    #[test]
    fn no_name_of_a_model_breaks_out_of_its_quotes() {
        let name = "x'; rm -rf ~ \"${\n";
        for snippet in all(name) {
            match snippet.id {
                "curl" => assert!(snippet.code.contains(r#""x'\''; rm -rf ~ \"${\n""#), "{}", snippet.code),
                "ollama" => assert!(snippet.code.contains("'x'\\''; rm -rf ~ \"${\n'"), "{}", snippet.code),
                "webui" => {}
                _ => assert!(snippet.code.contains(r#""x'; rm -rf ~ \"${\n""#), "{}", snippet.code),
            }
        }
    }
}
