/* Parsing of a command's words by its tables. Pure, main thread. */
#include "cli/command.h"
#include <string.h>

/* One argument of Command.arguments. */
typedef struct {
    char *name; /* "APPLICATION", or the choices "continue|stop" */
    gboolean optional, many;
} Slot;

struct Invocation {
    const Command *command;
    GPtrArray *slots;    /* of Slot */
    GPtrArray *values;   /* per slot: GPtrArray of char *, ended by NULL when parsed */
    GHashTable *options; /* name → GPtrArray of char *, ended by NULL when parsed */
    gboolean help;
};

static const Option help_option = {"help", 'h', NULL, FALSE, "Says how it is used."};
static const char *const NOTHING[] = {NULL};

/* ---- slots ---- */
static void slot_free(gpointer data) {
    Slot *slot = data;
    g_free(slot->name);
    g_free(slot);
}

static Slot *slot_parse(const char *text) {
    Slot *slot = g_new0(Slot, 1);
    gsize length = strlen(text);
    if (text[0] == '[' && text[length - 1] == ']') {
        slot->optional = TRUE;
        text++;
        length -= 2;
    }
    slot->many = length > strlen("…") && strncmp(text + length - strlen("…"), "…", strlen("…")) == 0;
    slot->name = g_strndup(text, length - (slot->many ? strlen("…") : 0));
    return slot;
}

static gboolean is_choice(const char *choices, const char *text) {
    g_auto(GStrv) list = g_strsplit(choices, "|", -1);
    return g_strv_contains((const char *const *)list, text);
}

/* "--application" of APPLICATION; choices have no option of their own. */
static gboolean slot_has_option(const Slot *slot, const char *name) {
    return strchr(slot->name, '|') == NULL && g_ascii_strcasecmp(slot->name, name) == 0;
}

static gboolean slot_has_letter(const Slot *slot, char letter) {
    return strchr(slot->name, '|') == NULL && g_ascii_tolower(slot->name[0]) == letter;
}

/* ---- options ---- */
static const Option *find_in(const Option *table, const char *name, char letter) {
    for (; table != NULL && table->name != NULL; table++)
        if (name != NULL ? strcmp(table->name, name) == 0 : table->letter == letter)
            return table;
    return NULL;
}

static const Option *find_option(const Command *command, const char *name, char letter) {
    const Option *found = find_in(command->options, name, letter);
    if (found == NULL && !command->local)
        found = find_in(server_options, name, letter);
    if (found == NULL && (name != NULL ? strcmp(name, help_option.name) == 0 : letter == help_option.letter))
        found = &help_option;
    return found;
}

static gboolean add_option(Invocation *call, const Option *option, const char *value, GError **error) {
    if (option->value != NULL && strchr(option->value, '|') != NULL && !is_choice(option->value, value)) {
        error_set(error, ERR_INVALID, "--%s %s: expected one of %s", option->name, value, option->value);
        return FALSE;
    }
    GPtrArray *values = g_hash_table_lookup(call->options, option->name);
    if (values == NULL) {
        values = g_ptr_array_new_with_free_func(g_free);
        g_hash_table_insert(call->options, (gpointer)option->name, values);
    } else if (!option->many && option->value != NULL) {
        error_set(error, ERR_INVALID, "--%s is given twice", option->name);
        return FALSE;
    }
    g_ptr_array_add(values, g_strdup(value));
    return TRUE;
}

static gboolean add_to_slot(Invocation *call, guint at, const char *value, GError **error) {
    const Slot *slot = call->slots->pdata[at];
    GPtrArray *values = call->values->pdata[at];
    if (strchr(slot->name, '|') != NULL && !is_choice(slot->name, value)) {
        error_set(error, ERR_INVALID, "unexpected argument %s: expected %s", value, slot->name);
        return FALSE;
    }
    if (values->len > 0 && !slot->many) {
        error_set(error, ERR_INVALID, "%s is given twice: %s and %s", slot->name, (const char *)values->pdata[0], value);
        return FALSE;
    }
    g_ptr_array_add(values, g_strdup(value));
    return TRUE;
}

/* ---- words ---- */
typedef struct {
    const char *const *words;
    gsize at;
} Cursor;

static const char *take_value(Cursor *cursor, const char *given, const char *shown, GError **error) {
    if (given != NULL)
        return given;
    if (cursor->words[cursor->at] != NULL)
        return cursor->words[cursor->at++];
    error_set(error, ERR_INVALID, "%s needs a value", shown);
    return NULL;
}

/* An option by name or letter, or an argument given as one. value: what stood behind "=", or NULL. */
static gboolean parse_option(Invocation *call, Cursor *cursor, const char *name, char letter, const char *value, GError **error) {
    const char shown_letter[] = {'-', letter, 0};
    g_autofree char *shown = name != NULL ? g_strconcat("--", name, NULL) : g_strdup(shown_letter);
    const Option *option = find_option(call->command, name, letter);
    if (option == &help_option)
        call->help = TRUE;
    if (option != NULL && option->value == NULL) {
        if (value == NULL)
            return add_option(call, option, "", error);
        error_set(error, ERR_INVALID, "%s takes no value", shown);
        return FALSE;
    }
    if (option != NULL)
        return (value = take_value(cursor, value, shown, error)) != NULL && add_option(call, option, value, error);
    for (guint i = 0; i < call->slots->len; i++)
        if (name != NULL ? slot_has_option(call->slots->pdata[i], name) : slot_has_letter(call->slots->pdata[i], letter))
            return (value = take_value(cursor, value, shown, error)) != NULL && add_to_slot(call, i, value, error);
    g_autofree char *command = command_name(call->command);
    error_set(error, ERR_INVALID, "no option %s (see gennaker %s --help)", shown, command);
    return FALSE;
}

static gboolean parse_plain(Invocation *call, const char *word, GError **error) {
    for (guint i = 0; i < call->slots->len; i++) {
        const Slot *slot = call->slots->pdata[i];
        if (slot->many || ((const GPtrArray *)call->values->pdata[i])->len == 0)
            return add_to_slot(call, i, word, error);
    }
    error_set(error, ERR_INVALID, "unexpected argument %s", word);
    return FALSE;
}

static gboolean parse_word(Invocation *call, Cursor *cursor, gboolean *only_plain, GError **error) {
    const char *word = cursor->words[cursor->at++];
    if (*only_plain || word[0] != '-' || word[1] == '\0')
        return parse_plain(call, word, error);
    if (strcmp(word, "--") == 0) {
        *only_plain = TRUE;
        return TRUE;
    }
    if (word[1] != '-')
        return parse_option(call, cursor, NULL, word[1], word[2] == '\0' ? NULL : word[2] == '=' ? word + 3 : word + 2, error);
    const char *equals = strchr(word, '=');
    g_autofree char *name = equals != NULL ? g_strndup(word + 2, (gsize)(equals - word - 2)) : g_strdup(word + 2);
    return parse_option(call, cursor, name, 0, equals != NULL ? equals + 1 : NULL, error);
}

static gboolean check_complete(Invocation *call, GError **error) {
    for (guint i = 0; i < call->slots->len; i++) {
        const Slot *slot = call->slots->pdata[i];
        if (slot->optional || ((const GPtrArray *)call->values->pdata[i])->len > 0)
            continue;
        g_autofree char *command = command_name(call->command);
        error_set(error, ERR_INVALID, "%s is missing (usage: gennaker %s %s)", slot->name, command, call->command->arguments);
        return FALSE;
    }
    return TRUE;
}

/* Lists get their NULL, so that they can be handed out. */
static void end_lists(Invocation *call) {
    for (guint i = 0; i < call->values->len; i++)
        g_ptr_array_add(call->values->pdata[i], NULL);
    GHashTableIter iter;
    gpointer values;
    g_hash_table_iter_init(&iter, call->options);
    while (g_hash_table_iter_next(&iter, NULL, &values))
        g_ptr_array_add(values, NULL);
}

Invocation *invocation_parse(const Command *command, const char *const *words, GError **error) {
    g_autoptr(Invocation) call = g_new0(Invocation, 1);
    call->command = command;
    call->slots = g_ptr_array_new_with_free_func(slot_free);
    call->values = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);
    call->options = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)g_ptr_array_unref);
    g_auto(GStrv) texts = g_strsplit(command->arguments != NULL ? command->arguments : "", " ", -1);
    for (gsize i = 0; texts[i] != NULL && texts[i][0] != '\0'; i++) {
        g_ptr_array_add(call->slots, slot_parse(texts[i]));
        g_ptr_array_add(call->values, g_ptr_array_new_with_free_func(g_free));
    }
    Cursor cursor = {words, 0};
    gboolean only_plain = FALSE;
    while (words[cursor.at] != NULL && !call->help)
        if (!parse_word(call, &cursor, &only_plain, error))
            return NULL;
    if (!call->help && !check_complete(call, error))
        return NULL;
    end_lists(call);
    return g_steal_pointer(&call);
}

void invocation_free(Invocation *call) {
    if (call == NULL)
        return;
    g_clear_pointer(&call->slots, g_ptr_array_unref);
    g_clear_pointer(&call->values, g_ptr_array_unref);
    g_clear_pointer(&call->options, g_hash_table_unref);
    g_free(call);
}

/* ---- reading ---- */
const Command *invocation_command(const Invocation *call) {
    return call->command;
}

gboolean invocation_wants_help(const Invocation *call) {
    return call->help;
}

const char *const *invocation_arguments(const Invocation *call, const char *name) {
    for (guint i = 0; i < call->slots->len; i++)
        if (strcmp(((const Slot *)call->slots->pdata[i])->name, name) == 0)
            return (const char *const *)((const GPtrArray *)call->values->pdata[i])->pdata;
    return NOTHING;
}

const char *invocation_argument(const Invocation *call, const char *name) {
    return invocation_arguments(call, name)[0];
}

const char *const *invocation_options(const Invocation *call, const char *name) {
    const GPtrArray *values = g_hash_table_lookup(call->options, name);
    return values != NULL ? (const char *const *)values->pdata : NOTHING;
}

const char *invocation_option(const Invocation *call, const char *name) {
    const char *const *values = invocation_options(call, name);
    return values[0] == NULL ? NULL : values[g_strv_length((char **)values) - 1];
}

gboolean invocation_has(const Invocation *call, const char *name) {
    return g_hash_table_contains(call->options, name);
}

gboolean invocation_number(const Invocation *call, const char *name, gint64 least, gint64 most, gint64 otherwise, gint64 *into,
                           GError **error) {
    const char *text = invocation_option(call, name);
    *into = otherwise;
    if (text == NULL || g_ascii_string_to_signed(text, 10, least, most, into, NULL))
        return TRUE;
    error_set(error, ERR_INVALID, "--%s %s: expected a whole number from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT, name, text, least,
              most);
    return FALSE;
}
