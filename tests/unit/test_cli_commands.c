/* test_cli_commands.c: the table of verbs is complete: what drives help, parsing and the reference page. */
#include "cli/help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void check_flags(const struct flag *table) {
    for (const struct flag *f = table; f && f->name; f++) {
        assert_non_null(f->help);
        assert_true(f->help[strlen(f->help) - 1] != '.');
        assert_true(!f->values || f->value);
        for (const struct flag *g = f + 1; g->name; g++) {
            assert_string_not_equal(f->name, g->name);
            assert_true(!f->letter || f->letter != g->letter);
        }
    }
}

/* A verb's flag may not shadow one that every verb has. */
static void check_shadows(const struct command *c) {
    for (const struct flag *f = c->flags; f && f->name; f++)
        for (const struct flag *g = global_flags; g->name; g++) {
            assert_string_not_equal(f->name, g->name);
            assert_true(!f->letter || f->letter != g->letter);
        }
}

/* The first example runs the verb it is an example of. */
static void check_examples(const struct command *c) {
    char start[80];
    assert_non_null(c->examples);
    assert_non_null(c->examples[0]);
    snprintf(start, sizeof start, "leat %s", c->name);
    for (const char *const *e = c->examples; *e; e++) assert_non_null(strchr(*e, '\t'));
    assert_memory_equal(c->examples[0], start, strlen(start));
}

static void test_every_command(void **state) {
    (void)state;
    check_flags(global_flags);
    for (const struct command *const *c = commands; *c; c++) {
        print_message("%s\n", (*c)->name);
        assert_non_null((*c)->run);
        assert_non_null((*c)->usage);
        assert_true((*c)->about[strlen((*c)->about) - 1] == '.');
        assert_true((*c)->args_min <= (*c)->args_max);
        check_flags((*c)->flags);
        check_shadows(*c);
        check_examples(*c);
    }
}

static const struct command *find(const char *a, const char *b, size_t *used, struct err *err) {
    char first[32], second[32], *words[2] = {first, second};
    snprintf(first, sizeof first, "%s", a);
    snprintf(second, sizeof second, "%s", b ? b : "");
    return command_find(words, b ? 2 : 1, used, err);
}

static void test_find(void **state) {
    (void)state;
    size_t used;
    struct err err = {0};
    assert_string_equal(find("runs", NULL, &used, &err)->name, "runs");
    assert_string_equal(find("runs", "orders", &used, &err)->name, "runs");
    assert_int_equal(used, 1);
    assert_string_equal(find("runs", "show", &used, &err)->name, "runs show");
    assert_int_equal(used, 2);
    assert_string_equal(find("ps", NULL, &used, &err)->name, "status");
    assert_null(find("zone", NULL, &used, &err));
    assert_int_equal(err.exit, EX_USAGE);
    assert_null(find("rnu", NULL, &used, &err));
    assert_non_null(strstr(err.hint, "leat run"));
}

static struct cli parse(int argc, const char **argv, int want) {
    struct cli c;
    struct err err = {0};
    assert_int_equal(cli_parse(&c, argc, (char **)(uintptr_t)argv, &err), want);
    return c;
}

static void test_flags_anywhere(void **state) {
    (void)state;
    const char *before[] = {"leat", "-C", "runs", "--json", "runs", "orders", "-n", "3", NULL};
    struct cli c = parse(8, before, 0);
    long limit;
    struct err err = {0};
    assert_string_equal(c.command->name, "runs");
    assert_string_equal(cli_arg(&c, 0), "orders");
    assert_null(cli_arg(&c, 1));
    assert_true(c.json);
    assert_string_equal(cli_value(&c, "directory"), "runs");
    assert_int_equal(cli_number(&c, "limit", 1, 25, &limit, &err), 0);
    assert_int_equal(limit, 3);
    cli_release(&c);

    const char *joined[] = {"leat", "logs", "-vvfq", "--tail=5", "--", "-f", "x", NULL};
    c = parse(7, joined, 0);
    assert_int_equal(c.verbose, 2);
    assert_true(c.quiet && cli_given(&c, "follow"));
    assert_string_equal(cli_arg(&c, 0), "-f");
    assert_string_equal(cli_value(&c, "tail"), "5");
    cli_release(&c);
}

static void test_last_value_wins(void **state) {
    (void)state;
    const char *argv[] = {"leat", "runs", "-n", "3", "-n4", NULL};
    struct cli c = parse(5, argv, 0);
    size_t n;
    const char **all = cli_values(&c, "limit", &n);
    assert_int_equal(n, 2);
    assert_string_equal(all[0], "3");
    assert_string_equal(cli_value(&c, "limit"), "4");
    free(all);
    cli_release(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_command),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_flags_anywhere),
        cmocka_unit_test(test_last_value_wins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
