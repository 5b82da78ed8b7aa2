/* `gennaker server`: options, signals, what it says at its start. Main thread only: it waits for signals, everything else has threads. */
#include "auth/users.h"
#include "bake/bakery.h"
#include "base/log.h"
#include "cli/client.h"
#include "cli/composition.h"
#include "cli/folder.h"
#include "net/origin.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define ROOM "server"
#define FIRST_USER "admin"
#define DEFAULT_LISTEN "127.0.0.1:8084"
#define STOP_GRACE_MS 10000
#define OPEN_FILES_LEAST 4096

typedef struct {
    char *listen, *folder, *config, *log_format, *log_level;
    gboolean first_user;
    char *address;  /* from listen */
    char *password; /* of a first user that was made now, or NULL */
    guint16 port;
} ServerOptions;

static void options_clear(ServerOptions *options) {
    g_free(options->listen);
    g_free(options->folder);
    g_free(options->config);
    g_free(options->log_format);
    g_free(options->log_level);
    g_free(options->address);
    g_free(options->password);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ServerOptions, options_clear)

/* "127.0.0.1:8084", "[::1]:8084", ":8084" (loopback), "8084" (loopback). */
static gboolean parse_listen(ServerOptions *options, GError **error) {
    const char *text = options->listen != NULL ? options->listen : DEFAULT_LISTEN;
    const char *colon = strrchr(text, ':');
    const char *port = colon != NULL ? colon + 1 : text;
    gsize length = colon != NULL ? (gsize)(colon - text) : 0;
    guint64 number = 0;
    if (!g_ascii_string_to_unsigned(port, 10, 0, 65535, &number, NULL)) {
        error_set(error, ERR_INVALID, "--listen %s: expected ADDRESS:PORT, for example " DEFAULT_LISTEN, text);
        return FALSE;
    }
    if (length >= 2 && text[0] == '[' && text[length - 1] == ']')
        options->address = g_strndup(text + 1, length - 2);
    else
        options->address = length > 0 ? g_strndup(text, length) : g_strdup("127.0.0.1");
    if (strcmp(options->address, "localhost") == 0) {
        g_free(options->address);
        options->address = g_strdup("127.0.0.1");
    }
    options->port = (guint16)number;
    return TRUE;
}

/* The values were checked against the option's choices. */
static void configure_log(const ServerOptions *options) {
    static const char *const LEVELS[] = {"debug", "info", "warning", "error"};
    LogLevel level = LOG_INFO;
    for (gsize i = 0; i < G_N_ELEMENTS(LEVELS); i++)
        if (g_strcmp0(options->log_level, LEVELS[i]) == 0)
            level = (LogLevel)i;
    log_configure(level, g_strcmp0(options->log_format, "json") == 0 ? LOG_JSON : LOG_TEXT);
}

/* The given path, else GENNAKER_CONFIG, else the data folder's "config" when it exists. */
static void choose_config(ServerOptions *options) {
    if (options->config == NULL)
        options->config = g_strdup(g_getenv("GENNAKER_CONFIG"));
    if (options->config != NULL)
        return;
    g_autofree char *beside = g_build_filename(options->folder, "config", NULL);
    if (g_file_test(beside, G_FILE_TEST_EXISTS))
        options->config = g_steal_pointer(&beside);
}

static gboolean read_options(const Invocation *call, ServerOptions *options, GError **error) {
    options->listen = g_strdup(invocation_option(call, "listen"));
    options->folder = g_strdup(invocation_option(call, "data"));
    options->config = g_strdup(invocation_option(call, "config"));
    options->log_format = g_strdup(invocation_option(call, "log"));
    options->log_level = g_strdup(invocation_option(call, "log-level"));
    options->first_user = invocation_has(call, "first-user");
    if (options->folder == NULL)
        options->folder = data_folder_otherwise();
    choose_config(options);
    configure_log(options);
    return parse_listen(options, error);
}

/* A first user for a machine that others can reach, whose password is shown once. */
static gboolean make_first_user(ServerOptions *options, GError **error) {
    if (!options->first_user || origin_is_loopback(options->address))
        return TRUE;
    g_autoptr(Config) config = config_load(options->config, error);
    g_autoptr(UserSet) users = config != NULL ? users_load(config, options->folder, error) : NULL;
    if (users == NULL)
        return FALSE;
    if (users_count(users) > 0)
        return TRUE;
    static const char *const ADMIN[] = {"admin", NULL};
    g_autofree char *token = NULL;
    if (!users_add(options->folder, FIRST_USER, NULL, ADMIN, FALSE, &options->password, &token, error))
        return FALSE;
    printf("A first user was made. Its password is shown only now:\n\n    user      " FIRST_USER "\n    password  %s\n\n",
           options->password);
    return TRUE;
}

/* Where it listens, where its data is, and what to try next, in lines that work when pasted. */
static void greet(const ServerOptions *options, guint16 port, gboolean sign_in, const char *program) {
    gboolean six = strchr(options->address, ':') != NULL;
    gboolean any = strcmp(options->address, "0.0.0.0") == 0 || strcmp(options->address, "::") == 0;
    g_autofree char *url = g_strdup_printf("http://%s%s%s:%u", six && !any ? "[" : "", any ? "127.0.0.1" : options->address,
                                           six && !any ? "]" : "", port);
    printf("Gennaker %s listens on %s%s\n", GENNAKER_VERSION, url, any ? " and every other address of this machine" : "");
    printf("  data           %s\n", options->folder);
    printf("  configuration  %s\n", options->config != NULL ? options->config : "none (see docs/configure-accounts.md)");
    printf("  sign-in        %s\n", sign_in ? "required" : "none: any user of this machine may use it");
    printf("Try next, in another terminal:\n");
    if (strcmp(url, CLIENT_SERVER_OTHERWISE) != 0)
        printf("  export GENNAKER_SERVER=%s\n", url);
    if (options->password != NULL)
        printf("  export GENNAKER_USER=" FIRST_USER " GENNAKER_PASSWORD=%s\n", options->password);
    else if (sign_in)
        printf("  export GENNAKER_USER=NAME GENNAKER_PASSWORD=PASSWORD   # a user of yours; new ones: %s user add --help\n", program);
    printf("  %s application save demo --email you@example.com\n", program);
    printf("  %s application list\n", program);
    printf("  curl -s %s/health\n", url);
    fflush(stdout);
}

/* The same program with the same arguments in this very process, but on the port that was chosen. What others took over must not be touched
 * any more: nothing is stopped, nothing written. */
static void start_anew(gpointer data) {
    const ServerOptions *options = data;
    g_autofree char *line = NULL;
    gsize length = 0;
    if (!g_file_get_contents("/proc/self/cmdline", &line, &length, NULL))
        _exit(1);
    g_autoptr(GPtrArray) arguments = g_ptr_array_new();
    for (const char *each = line; each < line + length; each += strlen(each) + 1) {
        gboolean valued = strcmp(each, "--listen") == 0 || strcmp(each, "-l") == 0;
        if (valued)
            each += strlen(each) + 1;
        else if (!g_str_has_prefix(each, "--listen="))
            g_ptr_array_add(arguments, (gpointer)each);
    }
    gboolean six = strchr(options->address, ':') != NULL;
    g_autofree char *listen = g_strdup_printf("--listen=%s%s%s:%u", six ? "[" : "", options->address, six ? "]" : "", options->port);
    g_ptr_array_add(arguments, listen);
    g_ptr_array_add(arguments, NULL);
    close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
    execv("/proc/self/exe", (char *const *)arguments->pdata);
    _exit(1);
}

/* Until SIGTERM or SIGINT; SIGHUP applies the configuration. */
static void serve(Composition *composition, const sigset_t *signals) {
    while (TRUE) {
        int number = 0;
        if (sigwait(signals, &number) != 0)
            continue;
        if (number != SIGHUP) {
            log_info(ROOM, "stopping on signal %d (%s)", number, strsignal(number));
            return;
        }
        g_autoptr(GError) error = NULL;
        if (!composition_reload(composition, &error))
            log_error(ROOM, "configuration not applied, everything stays as it was: %s", error->message);
    }
}

/* Many connections, children and files are open at once: as many as this user may have. */
static void raise_open_files(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max < OPEN_FILES_LEAST)
        log_warning(ROOM, "at most %" G_GUINT64_FORMAT " files may be open at once; %d or more are advised (ulimit -n)",
                    (guint64)limit.rlim_max, OPEN_FILES_LEAST);
}

static void block_signals(sigset_t *signals) {
    sigemptyset(signals);
    sigaddset(signals, SIGINT);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGHUP);
    sigprocmask(SIG_BLOCK, signals, NULL); /* before any thread starts, so that all inherit it */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error like a full disk, which the store tells of */
}

static int run_server(Invocation *call, GError **error) {
    g_auto(ServerOptions) options = {0};
    sigset_t signals;
    block_signals(&signals);
    g_autofree char *program = g_file_read_link("/proc/self/exe", NULL);
    if (!read_options(call, &options, error) || !make_first_user(&options, error))
        return 1;
    raise_open_files();
    CompositionOptions parts = {options.config, options.folder, options.address, options.port, program, start_anew, &options};
    Composition *composition = composition_open(&parts, error);
    if (composition == NULL)
        return 1;
    options.port = composition_port(composition);
    greet(&options, composition_port(composition), auth_is_required(composition_auth(composition)), program);
    log_info(ROOM, "ready");
    serve(composition, &signals);
    composition_close(composition, STOP_GRACE_MS);
    log_info(ROOM, "stopped");
    return 0;
}

/* ---- the long child of an operation: this program again ---- */
static int run_child(Invocation *call, GError **error) {
    (void)error;
    return bake_run_child(invocation_argument(call, "FOLDER"));
}

static const Option server_run_options[] = {
    {"listen", 'l', "ADDRESS:PORT", FALSE, "Where to listen (default " DEFAULT_LISTEN "; port 0: any free one)"},
    {"data", 'd', "FOLDER", FALSE, "Where the data is (default: ~/.local/share/gennaker)"},
    {"config", 'c', "FILE or FOLDER", FALSE, "Configuration (default: GENNAKER_CONFIG, then config in the data folder, if there is one)"},
    {"log", 0, "text|json", FALSE, "How to log (default: text)"},
    {"log-level", 0, "debug|info|warning|error", FALSE, "What to log at least (default: info)"},
    {"first-user", 0, NULL, FALSE, "When it listens beyond loopback and there is no user: make one and show its password once"},
    {0},
};

const Command server_commands[] = {
    {.verb = "server",
     .options = server_run_options,
     .local = TRUE,
     .run = run_server,
     .help = "Starts Gennaker: API, engine, inventory and bakery in one process. SIGHUP applies a changed configuration; SIGTERM and "
             "Ctrl-C stop it cleanly.",
     .example = "gennaker server --listen 127.0.0.1:8084 --config /etc/gennaker"},
    {.verb = "run-child",
     .arguments = "FOLDER",
     .local = TRUE,
     .hidden = TRUE,
     .run = run_child,
     .help = "Runs the command of an operation's folder, so that it outlives the server.",
     .example = "gennaker run-child FOLDER"},
    {0},
};
