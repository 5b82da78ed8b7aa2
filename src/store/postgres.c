/* The PostgreSQL driver: the only file that knows libpq. PostgreSQL 14 and newer, and what speaks its protocol.
 *
 * The writer's session holds an advisory lock: a shared one when other servers may write as well, else one for itself. Every transaction
 * of the writer leaves its number in a row, so that a COMMIT whose answer was lost can be looked up: in the row of its replica,
 * which is also the fence (nothing is committed once another replica has marked it as gone), or in counters.commit. A lone writer that
 * lost its connection takes the lock again and goes on only when no other server opened the store meanwhile (counters.epoch). A connection
 * prepares each statement once, by its address; values go and come in binary. A connection runs on one thread at a time. */
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "store/driver.h"
#include <endian.h>
#include <libpq-fe.h>
#include <poll.h>
#include <string.h>

#define CONNECT_SECONDS "5"
#define NETWORK_MS "10000"                               /* unanswered packets end a connection after this */
#define WRITE_STATEMENT_MS 20000                         /* one statement of the writer */
#define RECONNECT_PAUSE_US 250000                        /* between two tries while a commit's outcome is unknown */
#define OUTCOME_WAIT_MS 30000                            /* how long a commit waits to learn its outcome before its sender hears of it */
#define WRITER_LOCK "716458, hashtext(current_schema())" /* an advisory lock: any number, but always the same */
#define SHAPE_LOCK "716459, hashtext(current_schema())"
#define SERVER_VERSION_MIN 140000

/* Types by their numbers in pg_type, which never change. */
enum { OID_BYTES = 17, OID_INT8 = 20, OID_INT4 = 23, OID_TEXT = 25 };

typedef struct {
    StoreConnection base;
    PGconn *link;
    char *url, *place; /* place: without secrets, for messages */
    ConnectionRole role;
    gboolean read_only;
    GHashTable *prepared; /* StoreStatement * (a constant) as a set; emptied with a new connection */
    gint64 deadline_ms;
    gboolean in_transaction;
    gboolean shared;      /* with other servers */
    gboolean anew;        /* it listens since it was connected again */
    char *channel;        /* quoted: what CONNECTION_CARE listens to */
    gboolean claimed;     /* the writer's lock was taken once */
    gboolean fenced;      /* another replica took over */
    gint64 epoch;         /* of the store when it was; the replica's number */
    gint64 commit_number; /* of the last transaction */
    guint64 written;      /* bytes of values sent to be written: what there is for a measure of the log */
} Postgres;

typedef struct {
    PGresult *result;
    int row;
} Cursor;

/* ---- errors ------------------------------------------------------------------------------------------------------ */

/* What a class of SQLSTATE says a caller can do; the first that the state begins with. */
static const struct {
    const char *state;
    ErrorCode code;
} STATES[] = {
    {"23", ERR_CONFLICT},                                   /* integrity */
    {"40", ERR_UNAVAILABLE},                                /* serialization, deadlock: again */
    {"57014", ERR_TIMEOUT},     {"57", ERR_UNAVAILABLE},    /* shut down */
    {"53", ERR_UNAVAILABLE},    {"08", ERR_UNAVAILABLE},    /* resources, connection */
    {"58", ERR_UNAVAILABLE},    {"25006", ERR_UNAVAILABLE}, /* a standby */
    {"28", ERR_UNAVAILABLE},    {"3D", ERR_UNAVAILABLE},    /* who we are, which database */
    {"42501", ERR_UNAVAILABLE},                             /* rights */
    {"XX001", ERR_INVALID},     {"XX002", ERR_INVALID},     /* damaged */
    {"54", ERR_LIMIT},
};

static ErrorCode code_of(const char *state) {
    for (gsize i = 0; i < G_N_ELEMENTS(STATES); i++)
        if (g_str_has_prefix(state, STATES[i].state))
            return STATES[i].code;
    return ERR_INTERNAL;
}

static char *first_line(const char *text) {
    char *line = g_strdup(text != NULL ? text : "");
    line[strcspn(line, "\n")] = '\0';
    return line;
}

static void link_error_set(GError **error, const Postgres *self, const char *doing) {
    g_autofree char *text = first_line(PQerrorMessage(self->link));
    error_set(error, ERR_UNAVAILABLE, "the store %s: %s failed: %s", self->place, doing, text);
}

static void result_error_set(GError **error, const Postgres *self, const PGresult *result, const char *doing) {
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE), *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    if (state == NULL || PQstatus(self->link) != CONNECTION_OK) {
        link_error_set(error, self, doing);
        return;
    }
    ErrorCode code = code_of(state);
    if (code == ERR_TIMEOUT)
        error_set(error, code, "the store %s: %s took too long and was ended", self->place, doing);
    else
        error_set(error, code, "the store %s: %s failed: %s (%s)", self->place, doing, message != NULL ? message : "", state);
}

/* ---- statements -------------------------------------------------------------------------------------------------- */

static void statement_name(const StoreStatement *statement, char name[24]) {
    g_snprintf(name, 24, "s%" G_GINTPTR_MODIFIER "x", (guintptr)statement);
}

static const Oid OID_OF[] = {[STORE_NULL] = 0, [STORE_INT] = OID_INT8, [STORE_TEXT] = OID_TEXT, [STORE_BYTES] = OID_BYTES};

static gboolean result_ok(const PGresult *result) {
    ExecStatusType status = PQresultStatus(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

/* The types of the values are part of it: an expression such as SELECT $1 has no other. A NULL's is taken from where it stands. */
static gboolean statement_prepare(Postgres *self, const StoreStatement *statement, const StoreValue *values, gsize n, GError **error) {
    if (g_hash_table_contains(self->prepared, statement))
        return TRUE;
    Oid types[STORE_VALUES_MAX];
    for (gsize i = 0; i < n; i++)
        types[i] = OID_OF[values[i].type];
    char name[24];
    statement_name(statement, name);
    PGresult *result = PQprepare(self->link, name, statement->sql, (int)n, types);
    gboolean ok = result_ok(result);
    if (ok)
        g_hash_table_add(self->prepared, (gpointer)statement);
    else
        result_error_set(error, self, result, statement->name);
    PQclear(result);
    return ok;
}

static gboolean past_deadline(const Postgres *self) {
    return self->deadline_ms != 0 && clock_elapsed_ms() > self->deadline_ms;
}

static PGresult *statement_send(Postgres *self, const StoreStatement *statement, const StoreValue *values, gsize n) {
    const char *data[STORE_VALUES_MAX];
    int lengths[STORE_VALUES_MAX], formats[STORE_VALUES_MAX];
    guint64 numbers[STORE_VALUES_MAX];
    for (gsize i = 0; i < n; i++) {
        const StoreValue *value = &values[i];
        formats[i] = 1;
        lengths[i] = (int)value->length;
        data[i] = value->type == STORE_NULL ? NULL : value->data != NULL ? value->data : "";
        if (value->type == STORE_INT) {
            numbers[i] = htobe64((guint64)value->number);
            data[i] = (const char *)&numbers[i];
            lengths[i] = sizeof numbers[i];
        }
        self->written += (guint64)lengths[i];
    }
    char name[24];
    statement_name(statement, name);
    return PQexecPrepared(self->link, name, (int)n, data, lengths, formats, 1);
}

static gboolean rows_each(Postgres *self, const StoreStatement *statement, PGresult *result, StoreEach each, gpointer data,
                          GError **error) {
    Cursor cursor = {.result = result};
    StoreRow row = {.driver = &store_driver_postgres, .cursor = &cursor, .columns = (guint)PQnfields(result)};
    for (int n = PQntuples(result); cursor.row < n; cursor.row++) {
        if (past_deadline(self)) {
            error_set(error, ERR_TIMEOUT, "the store %s: %s took longer than %d ms", self->place, statement->name, STORE_READ_MS);
            return FALSE;
        }
        if (!each(&row, data))
            break;
    }
    return TRUE;
}

static gboolean link_ready(Postgres *self, GError **error);

/* A connection that was lost while it rested shows itself here: what reads outside of a transaction is asked again. */
static PGresult *statement_answer(Postgres *self, const StoreStatement *statement, const StoreValue *values, gsize n, GError **error) {
    gboolean again = self->role == CONNECTION_READER && !self->in_transaction;
    for (;; again = FALSE) {
        g_autoptr(GError) failure = NULL;
        PGresult *result = NULL;
        if (link_ready(self, &failure) && statement_prepare(self, statement, values, n, &failure)) {
            result = statement_send(self, statement, values, n);
            if (result_ok(result))
                return result;
            result_error_set(&failure, self, result, statement->name);
        }
        PQclear(result);
        if (again && PQstatus(self->link) != CONNECTION_OK)
            continue;
        g_propagate_error(error, g_steal_pointer(&failure));
        return NULL;
    }
}

static gboolean postgres_run(StoreConnection *connection, const StoreStatement *statement, const StoreValue *values, gsize n,
                             StoreEach each, gpointer data, guint64 *changed, GError **error) {
    Postgres *self = (Postgres *)connection;
    g_assert(n <= STORE_VALUES_MAX);
    PGresult *result = statement_answer(self, statement, values, n, error);
    if (result == NULL)
        return FALSE;
    gboolean ok = TRUE;
    if (ok && changed != NULL)
        *changed = g_ascii_strtoull(PQcmdTuples(result), NULL, 10);
    if (ok && each != NULL)
        ok = rows_each(self, statement, result, each, data, error);
    PQclear(result);
    return ok;
}

static StoreType postgres_row_type(const StoreRow *row, guint column) {
    const Cursor *cursor = row->cursor;
    if (PQgetisnull(cursor->result, cursor->row, (int)column))
        return STORE_NULL;
    Oid type = PQftype(cursor->result, (int)column);
    return type == OID_BYTES ? STORE_BYTES : type == OID_TEXT ? STORE_TEXT : STORE_INT;
}

static gint64 postgres_row_int(const StoreRow *row, guint column) {
    const Cursor *cursor = row->cursor;
    const char *value = PQgetvalue(cursor->result, cursor->row, (int)column);
    if (PQgetisnull(cursor->result, cursor->row, (int)column))
        return 0;
    if (PQftype(cursor->result, (int)column) == OID_INT4) {
        guint32 number;
        memcpy(&number, value, sizeof number);
        return (gint32)be32toh(number);
    }
    g_assert(PQftype(cursor->result, (int)column) == OID_INT8);
    guint64 number;
    memcpy(&number, value, sizeof number);
    return (gint64)be64toh(number);
}

static const char *postgres_row_text(const StoreRow *row, guint column) {
    const Cursor *cursor = row->cursor;
    return PQgetisnull(cursor->result, cursor->row, (int)column) ? NULL : PQgetvalue(cursor->result, cursor->row, (int)column);
}

static const void *postgres_row_bytes(const StoreRow *row, guint column, gsize *length) {
    const Cursor *cursor = row->cursor;
    *length = (gsize)PQgetlength(cursor->result, cursor->row, (int)column);
    return *length > 0 ? PQgetvalue(cursor->result, cursor->row, (int)column) : NULL;
}

/* Statements without parameters, several at once; for what is not worth preparing. */
static gboolean plain_run(Postgres *self, const char *sql, const char *doing, GError **error) {
    PGresult *result = PQexec(self->link, sql);
    gboolean ok = result_ok(result);
    if (!ok)
        result_error_set(error, self, result, doing);
    PQclear(result);
    return ok;
}

static gboolean postgres_script(StoreConnection *connection, const char *sql, GError **error) {
    Postgres *self = (Postgres *)connection;
    g_autoptr(GString) text = g_string_new(sql);
    for (const StoreWord *word = store_driver_postgres.words; word->ours != NULL; word++)
        g_string_replace(text, word->ours, word->theirs, 0);
    return link_ready(self, error) && plain_run(self, text->str, "script", error);
}

static void postgres_set_deadline(StoreConnection *connection, gint64 deadline_ms) {
    ((Postgres *)connection)->deadline_ms = deadline_ms;
}

/* ---- connecting -------------------------------------------------------------------------------------------------- */

static void notice_ignore(void *data, const char *message) {
    (void)data;
    log_debug("store", "the database says: %s", message);
}

/* One number that a statement answers; -1 when it answers none or fails. */
static gint64 number_of(Postgres *self, const char *sql) {
    PGresult *result = PQexec(self->link, sql);
    gint64 number = result_ok(result) && PQntuples(result) == 1 ? g_ascii_strtoll(PQgetvalue(result, 0, 0), NULL, 10) : -1;
    PQclear(result);
    return number;
}

static PGconn *link_open(const Postgres *self) {
    const char *const keys[] = {"dbname",          "connect_timeout",     "application_name",
                                "client_encoding", "tcp_user_timeout",    "keepalives",
                                "keepalives_idle", "keepalives_interval", NULL};
    const char *const values[] = {self->url, CONNECT_SECONDS, "gennaker", "UTF8", NETWORK_MS, "1", "5", "2", NULL};
    PGconn *link = PQconnectdbParams(keys, values, 1);
    if (link != NULL)
        PQsetNoticeProcessor(link, notice_ignore, NULL);
    return link;
}

static gboolean session_configure(Postgres *self, GError **error) {
    if (PQserverVersion(self->link) < SERVER_VERSION_MIN) {
        error_set(error, ERR_INVALID, "the store %s is PostgreSQL %d: 14 or newer is needed", self->place,
                  PQserverVersion(self->link) / 10000);
        return FALSE;
    }
    gint64 statement_ms = self->role == CONNECTION_READER ? STORE_READ_MS : WRITE_STATEMENT_MS;
    g_autofree char *sql = g_strdup_printf(
        "SET statement_timeout = %" G_GINT64_FORMAT "; SET synchronous_commit = on; SET idle_in_transaction_session_timeout = %d; "
        "SET default_transaction_read_only = %s",
        statement_ms, WRITE_STATEMENT_MS, self->role == CONNECTION_READER || self->read_only ? "on" : "off");
    return plain_run(self, sql, "configure the session", error);
}

/* TRUE when this session may write. */
static gboolean lock_try(Postgres *self) {
    return number_of(self, self->shared ? "SELECT pg_try_advisory_lock_shared(" WRITER_LOCK ")::int"
                                        : "SELECT pg_try_advisory_lock(" WRITER_LOCK ")::int") == 1;
}

/* After a lost connection: the lock again, and nobody else opened the store meanwhile. */
static gboolean claim_renew(Postgres *self, GError **error) {
    if (!lock_try(self)) {
        error_set(error, ERR_UNAVAILABLE, "the store %s: another server writes to it now, or the session we lost still holds its place",
                  self->place);
        return FALSE;
    }
    if (self->shared) /* the row of the replica is its fence */
        return TRUE;
    gint64 epoch = number_of(self, "SELECT value FROM counters WHERE name = 'epoch'");
    if (epoch == self->epoch)
        return TRUE;
    error_set(error, ERR_UNAVAILABLE,
              "the store %s: another server took it over while we were cut off (epoch %" G_GINT64_FORMAT ", ours was %" G_GINT64_FORMAT
              "): restart this server",
              self->place, epoch, self->epoch);
    return FALSE;
}

/* The channel is one of the schema: notifications reach all of a database. */
static gboolean listen_begin(Postgres *self, GError **error) {
    if (self->role != CONNECTION_CARE || !self->shared)
        return TRUE;
    PGresult *result = PQexec(self->link, "SELECT 'gennaker ' || current_schema()");
    gboolean ok = result_ok(result) && PQntuples(result) == 1;
    if (ok) {
        const char *name = PQgetvalue(result, 0, 0);
        char *quoted = PQescapeIdentifier(self->link, name, strlen(name));
        g_free(self->channel);
        self->channel = g_strdup(quoted);
        PQfreemem(quoted);
    } else {
        result_error_set(error, self, result, "read the schema's name");
    }
    PQclear(result);
    g_autofree char *sql = ok ? g_strconcat("LISTEN ", self->channel, NULL) : NULL;
    self->anew = ok && plain_run(self, sql, "listen", error);
    return self->anew;
}

static gboolean link_connect(Postgres *self, GError **error) {
    g_hash_table_remove_all(self->prepared);
    if (self->link != NULL)
        PQfinish(self->link);
    self->link = link_open(self);
    if (self->link == NULL || PQstatus(self->link) != CONNECTION_OK) {
        link_error_set(error, self, "connect");
        return FALSE;
    }
    return session_configure(self, error) && (!self->claimed || claim_renew(self, error)) && listen_begin(self, error);
}

/* A transaction ends with its connection: what is left of it must not run on a new one. */
static gboolean link_ready(Postgres *self, GError **error) {
    if (PQstatus(self->link) == CONNECTION_OK)
        return TRUE;
    if (!self->in_transaction)
        return link_connect(self, error);
    error_set(error, ERR_UNAVAILABLE, "the store %s: the connection was lost in a transaction", self->place);
    return FALSE;
}

static void postgres_close(StoreConnection *connection) {
    Postgres *self = (Postgres *)connection;
    if (self->link != NULL)
        PQfinish(self->link);
    g_hash_table_unref(self->prepared);
    g_free(self->channel);
    g_free(self->url);
    g_free(self->place);
    g_free(self);
}

char *store_postgres_place(const char *url) {
    char *problem = NULL;
    PQconninfoOption *options = PQconninfoParse(url, &problem);
    if (problem != NULL)
        PQfreemem(problem);
    if (options == NULL)
        return g_strdup("postgresql://?");
    const char *host = "", *port = "", *database = "";
    for (PQconninfoOption *option = options; option->keyword != NULL; option++) {
        const char *value = option->val != NULL ? option->val : "";
        if (strcmp(option->keyword, "host") == 0)
            host = value;
        else if (strcmp(option->keyword, "port") == 0)
            port = value;
        else if (strcmp(option->keyword, "dbname") == 0)
            database = value;
    }
    char *place = g_strdup_printf("postgresql://%s%s%s/%s", host, *port != '\0' ? ":" : "", port, database);
    PQconninfoFree(options);
    return place;
}

static StoreConnection *postgres_open(const ConnectionOptions *options, GError **error) {
    Postgres *self = g_new0(Postgres, 1);
    self->base.driver = &store_driver_postgres;
    self->url = g_strdup(options->file);
    self->place = store_postgres_place(options->file);
    self->role = options->role;
    self->read_only = options->read_only;
    self->shared = options->shared;
    self->prepared = g_hash_table_new(NULL, NULL);
    if (link_connect(self, error))
        return &self->base;
    postgres_close(&self->base);
    return NULL;
}

static gboolean postgres_check(StoreConnection *connection, GError **error) {
    (void)connection, (void)error; /* the database's own affair */
    return TRUE;
}

static gboolean postgres_claim(StoreConnection *connection, gint64 wait_ms, GError **error) {
    Postgres *self = (Postgres *)connection;
    gint64 until_ms = clock_elapsed_ms() + wait_ms;
    while (!lock_try(self)) {
        if (PQstatus(self->link) != CONNECTION_OK || clock_elapsed_ms() >= until_ms) {
            error_set(error, ERR_CONFLICT,
                      self->shared ? "the store %s is being worked on by a command that must be alone there"
                                   : "the store %s is in use by another Gennaker server",
                      self->place);
            return FALSE;
        }
        g_usleep(RECONNECT_PAUSE_US / 5);
    }
    return TRUE;
}

static gboolean postgres_shape_begin(StoreConnection *connection, GError **error) {
    Postgres *self = (Postgres *)connection;
    return !self->shared || plain_run(self, "SELECT pg_advisory_lock(" SHAPE_LOCK ")", "wait for a change of its shape", error);
}

static void postgres_shape_end(StoreConnection *connection) {
    Postgres *self = (Postgres *)connection;
    if (self->shared)
        (void)plain_run(self, "SELECT pg_advisory_unlock(" SHAPE_LOCK ")", "unlock", NULL);
}

static gboolean postgres_is_fenced(StoreConnection *connection) {
    return ((Postgres *)connection)->fenced;
}

static void postgres_claimed(StoreConnection *connection, gint64 epoch) {
    Postgres *self = (Postgres *)connection;
    self->claimed = TRUE;
    self->epoch = epoch;
    self->commit_number = epoch << 32; /* never one of an earlier run */
}

/* ---- what servers tell each other ---------------------------------------------------------------------------------- */

static const StoreStatement TELL = {"replicas.tell", "SELECT pg_notify('gennaker ' || current_schema(), $1)"};

static gboolean postgres_tell(StoreConnection *connection, const char *text, GError **error) {
    return postgres_run(connection, &TELL, (StoreValue[]){SV_TEXT(text)}, 1, NULL, NULL, NULL, error);
}

static void notifications_give(Postgres *self, void (*each)(const char *text, gpointer data), gpointer data) {
    for (PGnotify *notify; (notify = PQnotifies(self->link)) != NULL;) {
        each(notify->extra, data);
        PQfreemem(notify);
    }
}

static gboolean postgres_hear(StoreConnection *connection, int wake, gint64 until_ms, void (*each)(const char *text, gpointer data),
                              gpointer data, gboolean *anew, GError **error) {
    Postgres *self = (Postgres *)connection;
    if (!link_ready(self, error))
        return FALSE;
    *anew = self->anew;
    self->anew = FALSE;
    notifications_give(self, each, data);
    struct pollfd ready[] = {{.fd = PQsocket(self->link), .events = POLLIN}, {.fd = wake, .events = POLLIN}};
    gint64 left_ms = until_ms - clock_elapsed_ms();
    if (left_ms > 0 && !*anew)
        (void)poll(ready, G_N_ELEMENTS(ready), (int)MIN(left_ms, G_MAXINT));
    if (ready[0].revents != 0 && PQconsumeInput(self->link) == 0) {
        link_error_set(error, self, "listen");
        return FALSE;
    }
    notifications_give(self, each, data);
    return TRUE;
}

/* ---- transactions ------------------------------------------------------------------------------------------------ */

static const StoreStatement COMMIT_MARK = {"counters.commit", "INSERT INTO counters (name, value) VALUES ('commit', $1) "
                                                              "ON CONFLICT (name) DO UPDATE SET value = excluded.value"};

static const StoreStatement REPLICA_MARK = {"replicas.commit", "UPDATE replicas SET commits = $1 WHERE id = $2 AND gone = 0"};

/* The last statement of a transaction: its number. In a replica's row nothing is changed any more when the replica is gone. */
static gboolean commit_mark(Postgres *self, gint64 number, GError **error) {
    StoreValue values[] = {SV_INT(number), SV_INT(self->epoch)};
    guint64 changed = 0;
    if (!self->shared)
        return postgres_run(&self->base, &COMMIT_MARK, values, 1, NULL, NULL, NULL, error);
    if (!postgres_run(&self->base, &REPLICA_MARK, values, 2, NULL, NULL, &changed, error))
        return FALSE;
    self->fenced = changed == 0;
    if (self->fenced)
        error_set(error, ERR_UNAVAILABLE,
                  "the store %s: another replica took over from this one (%" G_GINT64_FORMAT "); nothing was written", self->place,
                  self->epoch);
    return !self->fenced;
}

static gint64 commit_marked(Postgres *self) {
    if (!self->shared)
        return number_of(self, "SELECT value FROM counters WHERE name = 'commit'");
    g_autofree char *sql = g_strdup_printf("SELECT commits FROM replicas WHERE id = %" G_GINT64_FORMAT, self->epoch);
    return number_of(self, sql);
}

static gboolean postgres_is_open(StoreConnection *connection) {
    const Postgres *self = (Postgres *)connection;
    return self->in_transaction && PQstatus(self->link) == CONNECTION_OK;
}

static gboolean postgres_begin(StoreConnection *connection, GError **error) {
    Postgres *self = (Postgres *)connection;
    const char *sql = self->role == CONNECTION_WRITER ? "BEGIN" : "BEGIN ISOLATION LEVEL REPEATABLE READ";
    g_autoptr(GError) failure = NULL;
    self->in_transaction = link_ready(self, &failure) && plain_run(self, sql, "begin", &failure);
    if (!self->in_transaction && PQstatus(self->link) != CONNECTION_OK) { /* lost while it rested */
        g_clear_error(&failure);
        self->in_transaction = link_connect(self, &failure) && plain_run(self, sql, "begin", &failure);
    }
    if (failure != NULL)
        g_propagate_error(error, g_steal_pointer(&failure));
    return self->in_transaction;
}

static void postgres_rollback(StoreConnection *connection) {
    Postgres *self = (Postgres *)connection;
    g_autoptr(GError) error = NULL;
    if (postgres_is_open(connection) && !plain_run(self, "ROLLBACK", "roll back", &error))
        log_warning("store", "a transaction could not be rolled back: %s", error->message);
    self->in_transaction = FALSE;
}

/* The answer to a COMMIT was lost: the row it would have written tells. Waits for the database to come back, since neither answer may
 * be guessed. */
static gboolean commit_look_up(Postgres *self, gint64 number, GError **error) {
    gint64 until_ms = clock_elapsed_ms() + OUTCOME_WAIT_MS;
    log_warning("store", "the store %s: the connection was lost during a commit; waiting to learn its outcome", self->place);
    for (;;) {
        g_autoptr(GError) failure = NULL;
        if (link_connect(self, &failure))
            break;
        if (clock_elapsed_ms() >= until_ms) {
            error_set(error, ERR_TIMEOUT, "the store %s: whether a commit was carried out is not known: %s", self->place, failure->message);
            return FALSE;
        }
        g_usleep(RECONNECT_PAUSE_US);
    }
    if (commit_marked(self) == number)
        return TRUE;
    error_set(error, ERR_UNAVAILABLE, "the store %s: the connection was lost before a commit; nothing was written", self->place);
    return FALSE;
}

static gboolean postgres_commit(StoreConnection *connection, GError **error) {
    Postgres *self = (Postgres *)connection;
    if (!self->claimed) { /* migrations */
        self->in_transaction = !plain_run(self, "COMMIT", "commit", error);
        return !self->in_transaction;
    }
    gint64 number = ++self->commit_number;
    if (!commit_mark(self, number, error))
        return FALSE;
    PGresult *result = PQexec(self->link, "COMMIT");
    gboolean ok = result_ok(result) && strcmp(PQcmdStatus(result), "COMMIT") == 0;
    gboolean lost = PQstatus(self->link) != CONNECTION_OK;
    if (!ok && !lost && result_ok(result))
        error_set(error, ERR_INTERNAL, "the store %s: the database rolled a commit back", self->place);
    else if (!ok && !lost)
        result_error_set(error, self, result, "commit");
    PQclear(result);
    self->in_transaction = !ok && !lost;
    return lost ? commit_look_up(self, number, error) : ok;
}

static gboolean postgres_savepoint(StoreConnection *connection, GError **error) {
    return plain_run((Postgres *)connection, "SAVEPOINT unit", "savepoint", error);
}

static gboolean postgres_release(StoreConnection *connection, GError **error) {
    return plain_run((Postgres *)connection, "RELEASE SAVEPOINT unit", "release", error);
}

static gboolean postgres_rollback_to(StoreConnection *connection, GError **error) {
    return plain_run((Postgres *)connection, "ROLLBACK TO SAVEPOINT unit; RELEASE SAVEPOINT unit", "roll back to savepoint", error);
}

/* ---- the log, which is the database's own ------------------------------------------------------------------------- */

static guint64 postgres_log_size(StoreConnection *writer) {
    (void)writer;
    return 0;
}

static guint64 postgres_log_written(StoreConnection *writer) {
    return ((Postgres *)writer)->written;
}

static const StoreWord postgres_words[] = {
    {"BYTES", "BYTEA"},
    {") CLUSTERED", ")"},
    {" TEXT", " TEXT COLLATE \"C\""}, /* compares by bytes */
    {},
};

const StoreDriver store_driver_postgres = {
    .name = "postgres",
    .words = postgres_words,
    .open = postgres_open,
    .close = postgres_close,
    .check = postgres_check,
    .claim = postgres_claim,
    .claimed = postgres_claimed,
    .shape_begin = postgres_shape_begin,
    .shape_end = postgres_shape_end,
    .is_fenced = postgres_is_fenced,
    .tell = postgres_tell,
    .hear = postgres_hear,
    .begin = postgres_begin,
    .commit = postgres_commit,
    .rollback = postgres_rollback,
    .is_open = postgres_is_open,
    .savepoint = postgres_savepoint,
    .release = postgres_release,
    .rollback_to = postgres_rollback_to,
    .run = postgres_run,
    .script = postgres_script,
    .set_deadline = postgres_set_deadline,
    .row_type = postgres_row_type,
    .row_int = postgres_row_int,
    .row_text = postgres_row_text,
    .row_bytes = postgres_row_bytes,
    .log_size = postgres_log_size,
    .log_written = postgres_log_written,
};
