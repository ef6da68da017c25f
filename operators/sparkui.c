/* sparkui.c: see sparkui.h. Jobs, and so stages, appear only as the driver comes to them: what is known is
 * shown, and never a percentage. */
#include "operators/sparkui.h"

#include "base/json.h"
#include "operators/http/get.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANSWER_BYTES = 16 << 20, ANSWER_MS = 2000 };

int sparkui_free_port(void) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_ANY)};
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), port = 0;
    if (fd < 0) return 0;
    if (bind(fd, (struct sockaddr *)&a, sizeof a) == 0 && getsockname(fd, (struct sockaddr *)&a, &n) == 0)
        port = ntohs(a.sin_port);
    close(fd);
    return port;
}

static json_t *get(const struct sparkui *ui, const char *path) {
    char url[512];
    snprintf(url, sizeof url, "http://127.0.0.1:%d/api/v1/applications%s", ui->port, path);
    char *text = http_get(url, ANSWER_MS, ANSWER_BYTES);
    json_t *v = text ? json_loads(text, 0, NULL) : NULL;
    free(text);
    return v;
}

static bool is_ours(const struct sparkui *ui, const char *app) {
    char path[192];
    snprintf(path, sizeof path, "/%s/environment", app);
    json_t *environment = get(ui, path), *property;
    bool ours = false;
    size_t i;
    json_array_foreach(json_object_get(environment, "sparkProperties"), i, property) {
        const char *key = json_string_value(json_array_get(property, 0));
        const char *value = json_string_value(json_array_get(property, 1));
        ours |= key && value && strcmp(key, SPARKUI_MARK) == 0 && strcmp(value, ui->token) == 0;
    }
    json_decref(environment);
    return ours;
}

static bool is_plain(const char *id) {
    return id[0] && id[strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.")] == 0;
}

static bool find_app(struct sparkui *ui) {
    json_t *apps = get(ui, ""), *app;
    size_t i;
    json_array_foreach(apps, i, app) {
        const char *id = json_text_or(app, "id", "");
        if (is_plain(id) && is_ours(ui, id)) snprintf(ui->app, sizeof ui->app, "%s", id);
    }
    json_decref(apps);
    return ui->app[0] != 0;
}

void sparkui_sum(const json_t *stages, struct spark_progress *out) {
    *out = (struct spark_progress){0};
    size_t i;
    json_t *s;
    json_array_foreach(stages, i, s) {
        const char *status = json_text_or(s, "status", "");
        if (strcmp(status, "SKIPPED") == 0) continue;
        bool done = strcmp(status, "COMPLETE") == 0;
        out->stages++;
        out->stages_done += done;
        out->tasks += json_int(s, "numTasks", 0);
        out->tasks_done += json_int(s, "numCompleteTasks", 0);
    }
}

bool sparkui_ask(struct sparkui *ui, struct spark_progress *out) {
    if (!ui->port || (!ui->app[0] && !find_app(ui))) return false;
    char path[192];
    snprintf(path, sizeof path, "/%s/stages", ui->app);
    json_t *stages = get(ui, path);
    bool good = json_is_array(stages);
    if (good) sparkui_sum(stages, out);
    json_decref(stages);
    return good;
}
