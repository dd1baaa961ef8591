use super::keys::KEYS;
use super::*;

fn environment(variables: &[(&str, &str)]) -> Environment {
    let mut all = Environment {
        variables: variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.into()))
            .collect(),
    };
    all.variables
        .entry("HOME".to_owned())
        .or_insert_with(|| "/home/ada".into());
    all
}

fn file(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    path
}

fn error_of(toml: &str, variables: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "crm.toml", toml);
    let error = Config::load(&[], Some(&path), &environment(variables)).unwrap_err();
    error.to_string().replace(&folder.path().display().to_string(), "")
}

#[test]
fn example_file_has_every_key_and_default() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("crm.example.toml");
    let from_example = Config::load(&[], Some(&example), &environment(&[])).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let empty = file(folder.path(), "empty.toml", "");
    assert_eq!(
        from_example,
        Config::load(&[], Some(&empty), &environment(&[])).unwrap()
    );

    let table: toml::Table = std::fs::read_to_string(&example).unwrap().parse().unwrap();
    for key in KEYS {
        let value = key
            .name
            .split('.')
            .try_fold(toml::Value::Table(table.clone()), |value, part| {
                value.get(part).cloned()
            });
        assert!(value.is_some(), "crm.example.toml does not have `{}`", key.name);
    }
}

#[test]
fn flag_beats_env_beats_file_beats_default() {
    let home = tempfile::tempdir().unwrap();
    file(
        home.path(),
        "crm/config.toml",
        "listen = '127.0.0.1:1'\nlog = 'warn'\nsend_expires = '1h'",
    );
    let variables = [
        ("XDG_CONFIG_HOME", home.path().to_str().unwrap()),
        ("CRM_LISTEN", "127.0.0.1:2"),
        ("CRM_LOG", "error"),
    ];
    let config = Config::load(&[("listen", "127.0.0.1:3".to_owned())], None, &environment(&variables)).unwrap();
    assert_eq!(config.listen.port(), 3);
    assert_eq!(config.log, "error");
    assert_eq!(config.send_expires, Duration::from_hours(1));
    assert_eq!(config.whatsapp.read, ReadMode::Auto);
}

#[test]
fn unknown_key_is_refused_with_suggestion() {
    insta::assert_snapshot!(error_of("[whatsapp]\nread_dealy = '3s'", &[]), @"/crm.toml has an unknown key `whatsapp.read_dealy`; did you mean `whatsapp.read_delay`?");
    insta::assert_snapshot!(error_of("zebra = 1", &[]), @"/crm.toml has an unknown key `zebra`; crm.example.toml lists them all");
    insta::assert_snapshot!(error_of("", &[("CRM_WHATSAPP_BROWSERS", "x")]), @"the environment has an unknown variable CRM_WHATSAPP_BROWSERS; did you mean `CRM_WHATSAPP_BROWSER`?");
}

#[test]
fn bad_value_is_refused_with_place_and_hint() {
    insta::assert_snapshot!(error_of("listen = 8000", &[]), @"`listen` is `8000` in /crm.toml; write an address and a port, such as 127.0.0.1:8000");
    insta::assert_snapshot!(error_of("", &[("CRM_WHATSAPP_READ", "always")]), @"`whatsapp.read` is `always` in the environment; write auto, agent or never");
    insta::assert_snapshot!(error_of("phone_region = 'UK'", &[]), @"`phone_region` is `UK` in /crm.toml; write the two letters of a country, such as GB, or nothing to read numbers in international form alone");
    insta::assert_snapshot!(error_of("[whatsapp]\nread_delay = '10s..3s'", &[]), @"`whatsapp.read_delay` is `10s..3s` in /crm.toml; write a range that begins with its shorter end, such as 3s..10s");
    insta::assert_snapshot!(error_of("", &[("CRM_MATRIX_AGENTS", "ada")]), @"`matrix.agents` is `ada` in the environment; write user ids separated by commas, such as @ada:example.org,@bob:example.org");
    insta::assert_snapshot!(error_of("", &[("CRM_WHATSAPP_BROWSER_ARGS", "--a 'b")]), @"`whatsapp.browser_args` is `--a 'b` in the environment; write words as a shell splits them; a quotation mark is not closed");
}

#[test]
fn browser_args_split_like_shell_or_from_list() {
    let args = |toml: &str, variables: &[(&str, &str)]| {
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path(), "crm.toml", toml);
        let config = Config::load(&[], Some(&path), &environment(variables)).unwrap();
        config.whatsapp.browser_args
    };
    let expected = ["--no-sandbox", "--host-resolver-rules=MAP a b"];
    let variable = (
        "CRM_WHATSAPP_BROWSER_ARGS",
        "--no-sandbox '--host-resolver-rules=MAP a b'",
    );
    assert_eq!(args("", &[variable]), expected);
    let list = "[whatsapp]\nbrowser_args = ['--no-sandbox', '--host-resolver-rules=MAP a b']";
    assert_eq!(args(list, &[]), expected);
}

#[test]
fn pacing_can_be_switched_off() {
    let variables = [
        ("CRM_WHATSAPP_SPACING", "0"),
        ("CRM_WHATSAPP_READ_DELAY", "off"),
        ("CRM_WHATSAPP_TYPING", "off"),
        ("CRM_WHATSAPP_FIRST_CONTACTS", "0"),
    ];
    let config = Config::load(&[], None, &environment(&variables)).unwrap();
    let none = DelayRange {
        min: Duration::ZERO,
        max: Duration::ZERO,
    };
    assert_eq!(config.whatsapp.spacing, none);
    assert_eq!(config.whatsapp.read_delay, none);
    assert!(!config.whatsapp.typing);
    assert!(config.whatsapp.pace.first_contacts.is_unlimited());
}

#[test]
fn secret_from_file_or_variable_is_hidden() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "password", "hunter2\n");
    let by_file = environment(&[("CRM_MATRIX_PASSWORD_FILE", path.to_str().unwrap())]);
    let config = Config::load(&[], None, &by_file).unwrap();
    assert_eq!(
        config.matrix.password.as_ref().unwrap().read().unwrap().expose(),
        "hunter2"
    );
    let given = Config::load(&[], None, &environment(&[("CRM_MATRIX_PASSWORD", "hunter2")])).unwrap();
    assert_eq!(
        given.matrix.password.as_ref().unwrap().read().unwrap().expose(),
        "hunter2"
    );
    assert!(!format!("{config:?}{given:?}").contains("hunter2"));

    let both = [
        ("CRM_MATRIX_PASSWORD", "hunter3"),
        ("CRM_MATRIX_PASSWORD_FILE", path.to_str().unwrap()),
    ];
    let error = Config::load(&[], None, &environment(&both)).unwrap_err().to_string();
    insta::assert_snapshot!(error, @"`matrix.password` and `matrix.password_file` are both set in the environment; keep one of them");
}

#[test]
fn secret_of_stronger_place_replaces_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let by_file = file(folder.path(), "etc/config.toml", "database_url_file = \"/etc/url\"\n");
    let given = file(folder.path(), "crm.toml", "database_url = \"sqlite://here.db\"\n");
    let of = |files: &[&PathBuf]| {
        let files: Vec<_> = files.iter().map(|path| (*path).clone()).collect();
        let values = Values::gather(&[], &environment(&[]), &files).unwrap();
        secret_source(&values, "database_url", "database_url_file", &environment(&[])).unwrap()
    };
    let url = SecretSource::Given(Secret::new("sqlite://here.db"));
    assert_eq!(of(&[&given, &by_file]), Some(url));
    assert_eq!(of(&[&by_file, &given]), Some(SecretSource::File("/etc/url".into())));
    let variables = [("CRM_DATABASE_URL", "sqlite://there.db")];
    let config = Config::load(&[], Some(&by_file), &environment(&variables)).unwrap();
    assert_eq!(
        config.database_url,
        SecretSource::Given(Secret::new("sqlite://there.db"))
    );
}

#[test]
fn empty_value_is_default_whatever_its_kind() {
    let defaults = Config::load(&[], None, &environment(&[])).unwrap();
    let keys = KEYS.iter().filter(|key| !key.may_be_empty);
    let variables: Vec<_> = keys.map(super::keys::Key::variable).collect();
    let empty: Vec<_> = variables.iter().map(|name| (name.as_str(), " ")).collect();
    assert_eq!(Config::load(&[], None, &environment(&empty)).unwrap(), defaults);
}

#[test]
fn empty_list_of_words_means_no_words() {
    let folder = tempfile::tempdir().unwrap();
    let none = file(folder.path(), "crm.toml", "[whatsapp]\nopt_out = []\nopt_in = \"\"\n");
    let by_file = Config::load(&[], Some(&none), &environment(&[])).unwrap();
    let empty = [("CRM_WHATSAPP_OPT_OUT", ""), ("CRM_WHATSAPP_OPT_IN", " ")];
    let by_variable = Config::load(&[], None, &environment(&empty)).unwrap();
    for config in [by_file, by_variable] {
        let pace = config.whatsapp.pace;
        assert!(pace.opt_out.is_empty() && pace.opt_in.is_empty(), "{pace:?}");
    }
}

#[test]
fn export_that_is_never_kept_is_refused() {
    for never in ["0", "off", "0s"] {
        let error = error_of("", &[("CRM_EXPORTS_KEEP", never)]);
        assert!(error.contains("a time above zero"), "{error}");
    }
}

#[test]
fn database_and_url_follow_other_settings() {
    let variables = [("XDG_DATA_HOME", "/data"), ("CRM_LISTEN", "0.0.0.0:9")];
    let config = Config::load(&[], None, &environment(&variables)).unwrap();
    assert_eq!(config.data_dir, Path::new("/data/crm"));
    assert_eq!(
        config.database_url.read().unwrap().expose(),
        "sqlite:///data/crm/crm.db"
    );
    assert_eq!(config.url, "http://127.0.0.1:9");
    let error = Config::load(&[], None, &Environment::default())
        .unwrap_err()
        .to_string();
    insta::assert_snapshot!(error, @"there is no default data folder, because neither XDG_DATA_HOME nor HOME is set; pass --data-dir FOLDER");
}

/// Rule 29.
#[test]
fn data_folder_open_to_others_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data");
    DataDir::open(&path).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o750)).unwrap();
    let error = DataDir::open(&path).unwrap_err().to_string();
    assert!(
        error.contains("its mode is 750") && error.contains("chmod 700"),
        "{error}"
    );
}

#[test]
fn second_owner_is_refused_naming_first() {
    let folder = tempfile::tempdir().unwrap();
    let data = DataDir::open(&folder.path().join("data")).unwrap();
    let lock = data.lock("crm serve").unwrap();
    let error = data.lock("crm login").unwrap_err().to_string();
    assert!(
        error.starts_with(&format!("`crm serve` (process {}) already", std::process::id())),
        "{error}"
    );
    drop(lock);
    data.lock("crm login").unwrap();
}

#[test]
fn room_version_is_a_word_or_the_homeservers_own() {
    let version = |text: &str| {
        let variables = environment(&[("CRM_MATRIX_ROOM_VERSION", text)]);
        Config::load(&[], None, &variables).map(|config| config.matrix.room_version)
    };
    assert_eq!(version("").unwrap(), None);
    assert_eq!(version("11").unwrap().as_deref(), Some("11"));
    insta::assert_snapshot!(version("v 11").unwrap_err().to_string(), @"`matrix.room_version` is `v 11` in the environment; write a version of rooms, such as 11, or nothing for the homeserver's own");
}

#[test]
fn account_section_overrides_general_settings() {
    let folder = tempfile::tempdir().unwrap();
    let home = file(
        folder.path(),
        "crm/config.toml",
        "[account.sales]\nquiet_hours = '22:00-07:00'\nspacing = '1s'\n[account.shop-2]\nhistory = 'none'",
    );
    let text = "[whatsapp]\nspacing = '5s'\ntyping = false\n[account.sales]\nspacing = '9s'\nmax_size = '1MiB'";
    let named = file(folder.path(), "crm.toml", text);
    let values = Values::gather(&[], &environment(&[]), &[named, home]).unwrap();
    let config = Config::from_values(&values, &environment(&[("XDG_DATA_HOME", "/data")])).unwrap();
    assert_eq!(config.accounts.keys().collect::<Vec<_>>(), ["sales", "shop-2"]);
    let sales = config.of_account("sales");
    assert_eq!(sales.whatsapp.spacing, "9s".parse().unwrap(), "the earlier file wins");
    assert!(sales.whatsapp.pace.quiet_hours.is_some() && config.whatsapp.pace.quiet_hours.is_none());
    assert!(!sales.whatsapp.typing, "as for all");
    assert_ne!(sales.media.max_size, config.media.max_size);
    let shop = config.of_account("shop-2").whatsapp;
    assert_eq!(
        (shop.history, shop.spacing),
        (HistoryDepth::None, "5s".parse().unwrap())
    );
    assert_eq!(config.of_account("default"), config.general());

    insta::assert_snapshot!(error_of("[account.sales]\nspaceing = '1s'", &[]), @"/crm.toml has an unknown key `account.sales.spaceing`; did you mean `spacing`?");
    insta::assert_snapshot!(error_of("[account.sales]\nlisten = '1s'", &[]), @"/crm.toml has an unknown key `account.sales.listen`; crm.example.toml lists them all");
    insta::assert_snapshot!(error_of("[account.'../sales']\nspacing = '1s'", &[]), @"/crm.toml has a section `account.../sales`, which is not an account's; an account's name is small letters, digits, - and _, and its section is a table such as [account.sales]");
    insta::assert_snapshot!(error_of("[account]\nspacing = '1s'", &[]), @"/crm.toml has a section `account.spacing`, which is not an account's; an account's name is small letters, digits, - and _, and its section is a table such as [account.sales]");
}

#[test]
fn account_keys_are_unambiguous() {
    let mut names: Vec<_> = super::keys::Key::all_of_account()
        .map(super::keys::Key::short)
        .collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all);
}

#[test]
fn renamed_setting_is_refused_with_new_name() {
    insta::assert_snapshot!(error_of("[media]\nportraits = '7days'", &[]), @"`media.portraits` in /crm.toml is now called `media.avatars`; rename it there");
    insta::assert_snapshot!(error_of("[account.sales]\nportraits = '7days'", &[]), @"`account.sales.portraits` in /crm.toml is now called `account.sales.avatars`; rename it there");
    insta::assert_snapshot!(error_of("", &[("CRM_MEDIA_PORTRAITS", "7days")]), @"`CRM_MEDIA_PORTRAITS` in the environment is now called `CRM_MEDIA_AVATARS`; rename it there");
}

#[test]
fn renamed_settings_lead_to_existing_keys() {
    for (old, new) in super::keys::RENAMED {
        assert!(KEYS.iter().any(|key| key.name == *new), "{new}");
        assert!(KEYS.iter().all(|key| key.name != *old), "{old}");
    }
}

/// A target without a level would be all of what it says, and everything else silence.
#[test]
fn log_word_that_is_no_level_is_refused() {
    for wrong in [
        "inof",
        "crm",
        "info,crm",
        "crm=debug,wran",
        "crm=inof",
        ",",
        "info debug",
    ] {
        let error = error_of("", &[("CRM_LOG", wrong)]);
        assert!(
            error.contains("`log`") && error.contains("crm=debug"),
            "{wrong}: {error}"
        );
    }
    let folder = tempfile::tempdir().unwrap();
    let empty = file(folder.path(), "empty.toml", "");
    for right in [
        "info",
        "WARN",
        "off",
        "info,crm=debug",
        "crm::api=trace, warn",
        "debug,",
    ] {
        let config = Config::load(&[], Some(&empty), &environment(&[("CRM_LOG", right)]));
        assert!(config.is_ok(), "{right}: {config:?}");
    }
}
