//! What each path of the API does, for people and for programs: a few lines beside each line of the table of routes. A test
//! holds both against each other. `docs` makes the OpenAPI file and the page of it.

/// What a method of a path does.
#[derive(Debug, Clone, Copy)]
pub(in crate::admin) struct Operation {
    pub(in crate::admin) method: &'static str,
    /// As in the table of routes.
    pub(in crate::admin) path: &'static str,
    pub(in crate::admin) summary: &'static str,
    /// Name and meaning of what may stand in the query.
    pub(in crate::admin) query: &'static [(&'static str, &'static str)],
    /// The schema of the body; none: there is none.
    pub(in crate::admin) body: Option<&'static str>,
    /// The status of a success, and the schema of its body.
    pub(in crate::admin) success: u16,
    pub(in crate::admin) answer: Option<&'static str>,
    /// It takes `If-Match`, and a success has an `ETag`.
    pub(in crate::admin) is_versioned: bool,
}

/// What belongs together, under a heading.
#[derive(Debug, Clone, Copy)]
pub(in crate::admin) struct Area {
    pub(in crate::admin) name: &'static str,
    pub(in crate::admin) operations: &'static [Operation],
}

const fn op(method: &'static str, path: &'static str, summary: &'static str) -> Operation {
    Operation { method, path, summary, query: &[], body: None, success: 200, answer: None, is_versioned: false }
}

impl Operation {
    const fn query(self, query: &'static [(&'static str, &'static str)]) -> Self {
        Self { query, ..self }
    }

    const fn takes(self, schema: &'static str) -> Self {
        Self { body: Some(schema), ..self }
    }

    const fn gives(self, success: u16, schema: &'static str) -> Self {
        Self { success, answer: Some(schema), ..self }
    }

    /// A success that says nothing.
    const fn does(self, success: u16) -> Self {
        Self { success, answer: None, ..self }
    }

    const fn versioned(self) -> Self {
        Self { is_versioned: true, ..self }
    }
}

const DRY_RUN: (&str, &str) = ("dry_run", "`true`: only say what would be wrong with it");
const PUT_SUMMARY: &str = "Creates it, or with `If-Match` replaces that version of it";
const IMPACT_NOW: &str = "What the last 24 hours asked of it";
const IMPACT_THEN: &str = "What they would have had of this entry, or with `null` without it";
const DELETE_SUMMARY: &str = "Deletes the version that `If-Match` names";

/// Everything, in the order in which it is shown. `NAME` is any one segment of a path, percent-encoded.
pub(in crate::admin) const AREAS: &[Area] = &[
    Area {
        name: "Aliases, redirects and routers",
        operations: &[
            op("GET", "aliases", "All aliases: those of relay.yaml, then those of the database").gives(200, "Aliases"),
            op("GET", "aliases/NAME", "An alias").gives(200, "ShownAlias").versioned(),
            op("PUT", "aliases/NAME", PUT_SUMMARY).query(&[DRY_RUN]).takes("Alias").gives(201, "ShownAlias").versioned(),
            op("DELETE", "aliases/NAME", DELETE_SUMMARY).does(204).versioned(),
            op("GET", "redirects", "All redirects").gives(200, "Redirects"),
            op("GET", "redirects/NAME", "A redirect").gives(200, "ShownRedirect").versioned(),
            op("PUT", "redirects/NAME", PUT_SUMMARY)
                .query(&[DRY_RUN])
                .takes("Redirect")
                .gives(201, "ShownRedirect")
                .versioned(),
            op("DELETE", "redirects/NAME", DELETE_SUMMARY).does(204).versioned(),
            op("GET", "routers", "All smart routers").gives(200, "Routers"),
            op("GET", "routers/NAME", "A smart router").gives(200, "ShownRouter").versioned(),
            op("PUT", "routers/NAME", PUT_SUMMARY).query(&[DRY_RUN]).takes("Router").gives(201, "ShownRouter").versioned(),
            op("DELETE", "routers/NAME", DELETE_SUMMARY).does(204).versioned(),
            op("GET", "aliases/NAME/impact", IMPACT_NOW).gives(200, "Impact"),
            op("POST", "aliases/NAME/impact", IMPACT_THEN).takes("Alias").gives(200, "Impact"),
            op("GET", "redirects/NAME/impact", IMPACT_NOW).gives(200, "Impact"),
            op("POST", "redirects/NAME/impact", IMPACT_THEN).takes("Redirect").gives(200, "Impact"),
            op("GET", "routers/NAME/impact", IMPACT_NOW).gives(200, "Impact"),
            op("POST", "routers/NAME/impact", IMPACT_THEN).takes("Router").gives(200, "Impact"),
            op("POST", "routers/NAME/resolve", "Has a router choose for a prompt; designators are really asked")
                .takes("Trial")
                .gives(200, "Choice"),
            op("GET", "names", "Every name that can be asked for, and of those who are asked and who asks")
                .query(&[
                    ("q", "a part of the name"),
                    (
                        "kind",
                        "several separated by commas: `router`, `alias`, `model` and `redirect`, which are given unless it \
                         is, `provider` and `key`",
                    ),
                    ("limit", "so many; 5000 at most"),
                ])
                .gives(200, "Names"),
            op("GET", "resolve", "Follows a name to what it leads to")
                .query(&[("name", "the name, as a client would write it")])
                .gives(200, "Way"),
            op("POST", "resolve", "The same, had an entry been saved or deleted").takes("WayWith").gives(200, "Way"),
        ],
    },
    Area {
        name: "Providers and Ollama",
        operations: &[
            op("GET", "providers", "All providers, also known ones that nobody has configured").gives(200, "Providers"),
            op("GET", "providers/NAME", "A provider").gives(200, "Provider").versioned(),
            op("PUT", "providers/NAME", PUT_SUMMARY)
                .query(&[DRY_RUN])
                .takes("ProviderEntry")
                .gives(201, "Provider")
                .versioned(),
            op("DELETE", "providers/NAME", DELETE_SUMMARY).does(204).versioned(),
            op("POST", "providers/NAME/test", "Calls one of its models for real, and tells every step as NDJSON")
                .takes("ModelChoice")
                .gives(200, "Step"),
            op("POST", "providers/NAME/discover", "Asks it for its models now").gives(200, "Discovered"),
            op("GET", "ollama", "The Ollama instances that are configured").gives(200, "Instances"),
            op("GET", "ollama/NAME", "Asks an instance for its version and models").gives(200, "Instance"),
            op("POST", "ollama/NAME/pull", "Has it fetch a model, and hands its lines of progress through as NDJSON")
                .takes("ModelName")
                .gives(200, "Progress"),
            op("POST", "ollama/NAME/delete", "Deletes a model's files").takes("ModelName").does(204),
            op("POST", "ollama/NAME/unload", "Takes a running model out of memory").takes("ModelName").does(204),
        ],
    },
    Area {
        name: "Models",
        operations: &[
            op("GET", "models", "A page of the catalogue, by provider and id")
                .query(&[
                    ("q", "a part of the name"),
                    ("provider", "of this provider"),
                    ("is", "what it is, several separated by commas: `vision`, `tools`, `priced`, `used`, …"),
                    ("all", "`true`: also models of providers that cannot be called"),
                    ("limit", "so many; 100, at most 1000"),
                    ("after", "`next` of an earlier answer"),
                ])
                .gives(200, "Models"),
            op("GET", "models/NAME", "Everything about one model").gives(200, "Model").versioned(),
            op("PUT", "models/NAME", "Says something of a model beside files and lists")
                .query(&[DRY_RUN])
                .takes("ModelEntry")
                .gives(201, "ShownModel")
                .versioned(),
            op("DELETE", "models/NAME", "Says nothing more of it").does(204).versioned(),
            op("POST", "models/sync", "Compares the catalogue with what providers and a price list say now")
                .takes("SyncWish")
                .gives(200, "Sync"),
            op("POST", "models/apply", "Changes many models, all or none").takes("ModelChanges").gives(200, "Applied"),
        ],
    },
    Area {
        name: "History",
        operations: &[
            op("GET", "history", "What was changed, newest first")
                .query(&[
                    ("kind", "of this kind: `alias`, `redirect`, `router`, `setting`, `key`, …"),
                    ("name", "of what has this name"),
                    ("who", "made by `admin`, `command line`, `first start`, or `token:` and the name of a token"),
                    ("limit", "so many; 50, at most 1000"),
                    ("before", "those before the change of this id"),
                ])
                .gives(200, "History"),
            op(
                "POST",
                "history/NAME/undo",
                "Puts back what was before a change; 204 if there was nothing; a revoked key stays revoked",
            )
            .takes("Undo")
            .gives(200, "Entry"),
        ],
    },
    Area {
        name: "Requests and decisions",
        operations: &[
            op("GET", "requests", "Usage records, newest first")
                .query(&[
                    ("from", "since: a day, RFC 3339, `24h`, `7d`, or Unix milliseconds"),
                    ("to", "before"),
                    ("tag", "one of the tags"),
                    ("model", "who answered: `provider/model`, or `provider/` for all of a provider"),
                    ("router", "the router that decided"),
                    ("alias", "the alias passed through"),
                    ("key", "the API key's name"),
                    ("client", "the client's address"),
                    ("user", "the end user"),
                    ("status", "`ok` or `error`"),
                    ("error", "one kind of failure"),
                    ("q", "a part of the id or of the name asked for"),
                    ("calls", "`true`: designator's calls too"),
                    ("limit", "so many; 50, at most 500"),
                    ("before", "`next` of an earlier answer"),
                    ("after", "`previous` of an earlier answer"),
                ])
                .gives(200, "Requests"),
            op("GET", "requests/NAME", "Everything that is known of a request").gives(200, "Request"),
            op("GET", "decisions", "Decisions of routers, newest first")
                .query(&[
                    ("router", "of this router"),
                    ("limit", "so many; 50, at most 1000"),
                    ("before", "of requests that arrived before this moment, Unix milliseconds"),
                ])
                .gives(200, "Decisions"),
            op("GET", "decisions/NAME", "The decision made for a request").gives(200, "Decision"),
        ],
    },
    Area {
        name: "Usage and cost",
        operations: &[op(
            "GET",
            "usage",
            "Sums over a period, by a dimension and narrowed by others, with the period before",
        )
        .query(&[
            ("period", "`24h`, `7d`, `today`, `this-month`, a month or a day; `30d` unless it is given"),
            ("from", "instead of `period`: a day, RFC 3339, `24h` or `7d` ago"),
            ("to", "the end of that"),
            ("by", "`tag`, `model`, `provider`, `key`, `client`, `alias`, `router` or `user`"),
            (
                "tag",
                "only requests with this tag; likewise `model`, `provider`, `key`, `client`, `alias`, `router`, `user`",
            ),
            ("without", "only requests that have no value in this dimension"),
            ("limit", "rows at most; 50, at most 10,000"),
            ("format", "`json` or `csv`"),
        ])
        .gives(200, "Usage")],
    },
    Area {
        name: "API keys and playground",
        operations: &[
            op("GET", "keys", "All keys of the API, without the keys themselves").gives(200, "Keys"),
            op("POST", "keys", "Makes a key, which is shown only now")
                .query(&[DRY_RUN])
                .takes("NewKey")
                .gives(201, "MadeKey"),
            op("GET", "keys/NAME", "A key").gives(200, "Key").versioned(),
            op("PUT", "keys/NAME", "Replaces tags, models and expiry of the version that `If-Match` names")
                .query(&[DRY_RUN])
                .takes("KeyChange")
                .gives(200, "Key")
                .versioned(),
            op("DELETE", "keys/NAME", "Revokes it, for good").does(204),
            op("POST", "playground/v1/chat/completions", "What `POST /v1/chat/completions` of the API does")
                .takes("ChatBody")
                .gives(200, "ChatAnswer"),
            op("POST", "playground/api/chat", "What `POST /api/chat` of the API does")
                .takes("ChatBody")
                .gives(200, "OllamaAnswer"),
        ],
    },
    Area {
        name: "Settings",
        operations: &[
            op("GET", "settings", "All settings, and who says what they are").gives(200, "Settings"),
            op("GET", "settings/NAME", "A setting").gives(200, "Setting").versioned(),
            op("PUT", "settings/NAME", "Sets it; once it is set, `If-Match` names the version that is replaced")
                .query(&[DRY_RUN])
                .takes("SettingValue")
                .gives(201, "Setting")
                .versioned(),
            op("DELETE", "settings/NAME", "Takes it back: the default is in force again").does(204).versioned(),
            op("POST", "settings/redaction/test", "What would be cut out of a text, and by which rule")
                .takes("RedactionTrial")
                .gives(200, "Redacted"),
        ],
    },
    Area {
        name: "Storage",
        operations: &[
            op("GET", "storage", "What the database takes, and a forecast").gives(200, "Storage"),
            op("POST", "storage/tidy", "Deletes now, in the background, what is older than the settings say").does(202),
            op("POST", "storage/compact", "Writes the database's file anew, without what was deleted")
                .gives(200, "Storage"),
        ],
    },
    Area {
        name: "Backup and restore",
        operations: &[
            op("GET", "backup", "All definitions of the database as one file").gives(200, "Backup"),
            op("GET", "backup/database", "A copy of the whole SQLite database").gives(200, "Binary"),
            op("POST", "restore", "Makes the database say what a backup says, in one transaction")
                .query(&[
                    ("dry_run", "`true`: only say what would change"),
                    ("keep", "`true`: leave alone what the backup does not have, instead of deleting it"),
                ])
                .takes("Backup")
                .gives(200, "Restored"),
        ],
    },
    Area {
        name: "Password and tokens",
        operations: &[
            op("POST", "password", "Changes the admin password and ends other logins")
                .takes("PasswordChange")
                .does(204),
            op("GET", "tokens", "All tokens, without the tokens themselves").gives(200, "Tokens"),
            op("POST", "tokens", "Makes a token, which is shown only now").takes("NewToken").gives(201, "MadeToken"),
            op("DELETE", "tokens/NAME", "Takes a token back").does(204),
        ],
    },
    Area {
        name: "System",
        operations: &[
            op("GET", "system", "What the program takes, what waits, whether its files were accepted")
                .gives(200, "System"),
            op("GET", "log", "The last lines of the log as NDJSON, and with `follow` those to come")
                .query(&[
                    ("level", "lines at least so bad: `error`, `warn`, `info`, `debug`, `trace`"),
                    ("q", "lines that have this text"),
                    ("after", "lines after the one whose `n` this is"),
                    ("follow", "`true`: go on with lines as they come, for 15 minutes"),
                ])
                .gives(200, "LogLine"),
        ],
    },
];
