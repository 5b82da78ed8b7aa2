/* Runs a fuzz target over files and folders, one input per file, without libFuzzer: so every corpus file is a test with
 * any compiler. Names each input before it is run, so that the last line before a crash tells the culprit. */
#include <glib.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static unsigned run_file(const char *path) {
    g_autofree char *content = NULL;
    g_autofree unsigned char *exact = NULL;
    gsize size = 0;
    g_autoptr(GError) error = NULL;
    if (!g_file_get_contents(path, &content, &size, &error))
        g_error("%s", error->message);
    puts(path);
    fflush(stdout);
    /* g_file_get_contents adds a NUL byte, which would hide reads past the end. */
    exact = g_memdup2(content, size);
    LLVMFuzzerTestOneInput(exact ? exact : (const unsigned char *)"", size);
    return 1;
}

static unsigned run_path(const char *path) {
    if (!g_file_test(path, G_FILE_TEST_IS_DIR))
        return run_file(path);
    g_autoptr(GError) error = NULL;
    g_autoptr(GDir) dir = g_dir_open(path, 0, &error);
    if (!dir)
        g_error("%s", error->message);
    unsigned count = 0;
    for (const char *name; (name = g_dir_read_name(dir));) {
        g_autofree char *child = g_build_filename(path, name, NULL);
        count += run_path(child);
    }
    return count;
}

int main(int argc, char **argv) {
    unsigned count = 0;
    for (int i = 1; i < argc; i++)
        count += run_path(argv[i]);
    printf("%u inputs\n", count);
    return count ? 0 : 1;
}
