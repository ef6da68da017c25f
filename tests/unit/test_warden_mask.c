/* Masking: every case is fed whole, byte by byte, and cut at every place; the result must be the same. */
#include "warden/mask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

struct mask_case {
    const char *secrets[4];
    const char *in, *out;
};

static const struct mask_case cases[] = {
    {{"hunter2!"}, "the password is hunter2!, keep it", "the password is ***, keep it"},
    {{"hunter2!"}, "hunter2 is only most of it", "hunter2 is only most of it"},
    {{"hunter2!"}, "hunter2!hunter2!", "******"},
    {{"hunter2!"}, "hunterhunter2!", "hunter***"},
    {{"aaaaaab"}, "aaaaaaaaaaaab", "aaaaaa***"},
    {{"abc"}, "abc is too short to hide", "abc is too short to hide"},
    {{""}, "an empty secret hides nothing", "an empty secret hides nothing"},
    {{"secret-one", "secret-two"}, "secret-one secret-two secret-six", "*** *** secret-six"},
    {{"secret", "secret-longer"}, "secret-longer secret-long secret", "*** ***-long ***"},
    {{"abcdefgh", "efghijkl"}, "xxabcdefghijklyy", "xx***yy"}, /* overlapping: one mask over both */
    {{"abcdefgh"}, "abcdef", "***"},                           /* cut off by the end: long enough to betray */
    {{"abcdefgh"}, "abcd", "abcd"},
    {{"p@ss word/1"}, "url p%40ss%20word%2F1 end", "url *** end"},
    {{"p@ss word/1"}, "url p%40ss%20word%2f1 end", "url *** end"},
    {{"p@ss word/1"}, "form p%40ss+word%2F1 end", "form *** end"},
    {{"say \"hi\"\\now"}, "{\"k\":\"say \\\"hi\\\"\\\\now\"}", "{\"k\":\"***\"}"},
    {{"a/b/c/d/e"}, "\"a\\/b\\/c\\/d\\/e\"", "\"***\""},
    {{"pä\u00dfword\U0001F511"}, "\"p\\u00e4\\u00dfword\\ud83d\\udd11\"", "\"***\""},
    {{"tab\there!"}, "\"tab\\there!\"", "\"***\""},
    {{"bell\x07here"}, "\"bell\\u0007here\"", "\"***\""},
    {{"open sesame"}, "b64 b3BlbiBzZXNhbWU= end", "b64 *** end"}, /* alone, padded */
    {{"open sesame"}, "b64 b3BlbiBzZXNhbWU end", "b64 *** end"},  /* alone, not padded */
    {{"open sesame"}, "dTpvcGVuIHNlc2FtZQ==", "dTp***Q=="},       /* "u:open sesame": shared ends stay */
    {{"open sesame"}, "dXU6b3BlbiBzZXNhbWU=", "dXU6***"},         /* "uu:open sesame" */
    {{"open sesame"}, "dXV1Om9wZW4gc2VzYW1l", "dXV1Om***"},       /* "uuu:open sesame" */
    {{"\xff\xfe\xfd?\xfb\xef\xbe"}, "url-safe __79P_vvvg end", "url-safe *** end"},
    {{"-----BEGIN KEY-----\nMIIEvAIBADANBgkqhkiG9w0\nAQEFAASCBKYwggSiAgEAAoI\n-----END KEY-----\n"},
     "  AQEFAASCBKYwggSiAgEAAoI\nother",
     "  ***\nother"}, /* a line of a secret with several */
    {{NULL}, "nothing to hide", "nothing to hide"},
};

static void feed(struct mask *m, const char *p, size_t n, struct buf *out) {
    if (m)
        mask_feed(m, p, n, out);
    else
        buf_add(out, p, n);
}

static void check(const struct mask_case *c, const struct buf *out, size_t cut) {
    if (strcmp(buf_str(out), c->out) != 0)
        fail_msg("cut at %zu: [%s] gave [%s], not [%s]", cut, c->in, buf_str(out), c->out);
}

static void run_cut(const struct mask_case *c, size_t cut) {
    struct mask *m = mask_new(c->secrets);
    struct buf out = BUF_INIT;
    feed(m, c->in, cut, &out);
    feed(m, c->in + cut, strlen(c->in) - cut, &out);
    if (m) mask_end(m, &out);
    check(c, &out, cut);
    buf_release(&out);
    mask_free(m);
}

static void run_bytes(const struct mask_case *c) {
    struct mask *m = mask_new(c->secrets);
    struct buf out = BUF_INIT;
    for (const char *p = c->in; *p; p++) feed(m, p, 1, &out);
    if (m) mask_end(m, &out);
    check(c, &out, SIZE_MAX);
    buf_release(&out);
    mask_free(m);
}

static void masks_at_every_cut(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t cut = 0; cut <= strlen(cases[i].in); cut++) run_cut(&cases[i], cut);
        run_bytes(&cases[i]);
    }
}

/* What is not held back must come out at once: a follower of the log waits for it. */
static void holds_back_only_what_it_must(void **state) {
    (void)state;
    const char *const secrets[] = {"hunter2!", NULL};
    struct mask *m = mask_new(secrets);
    struct buf out = BUF_INIT;
    mask_feed(m, "progress 10%\nhun", 16, &out);
    assert_string_equal(buf_str(&out), "progress 10%\n");
    mask_feed(m, "gry", 3, &out);
    assert_string_equal(buf_str(&out), "progress 10%\nhungry");
    buf_release(&out);
    mask_free(m);
}

static void nothing_to_hide_is_no_mask(void **state) {
    (void)state;
    const char *const small[] = {"abc", "12345", NULL};
    assert_null(mask_new(NULL));
    assert_null(mask_new(small));
    mask_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(masks_at_every_cut),
                                       cmocka_unit_test(holds_back_only_what_it_must),
                                       cmocka_unit_test(nothing_to_hide_is_no_mask)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
