/* stopper.c: see stopper.h. SIGUSR2, sent to the thread alone, is how it is told that its work is over. */
#include "operators/stopper.h"

#include "base/arena.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct stopper {
    pthread_t thread;
    sigset_t before, waited;
    atomic_bool stopped, over;
    pthread_mutex_t lock; /* guards fn and ctx */
    void (*fn)(void *ctx);
    void *ctx;
};

static void *wait_for_signals(void *arg) {
    struct stopper *s = arg;
    for (int sig; sigwait(&s->waited, &sig) == 0 && !atomic_load(&s->over);) {
        if (sig == SIGUSR2) continue;
        atomic_store(&s->stopped, true);
        pthread_mutex_lock(&s->lock);
        if (s->fn) s->fn(s->ctx);
        pthread_mutex_unlock(&s->lock);
    }
    return NULL;
}

struct stopper *stopper_start(struct err *err) {
    struct stopper *s = xcalloc(1, sizeof *s);
    sigemptyset(&s->waited);
    sigaddset(&s->waited, SIGTERM);
    sigaddset(&s->waited, SIGINT);
    sigaddset(&s->waited, SIGUSR2);
    pthread_mutex_init(&s->lock, NULL);
    pthread_sigmask(SIG_BLOCK, &s->waited, &s->before);
    errno = pthread_create(&s->thread, NULL, wait_for_signals, s);
    if (!errno) return s;
    err_errno(err, "cannot start a thread");
    pthread_sigmask(SIG_SETMASK, &s->before, NULL);
    free(s);
    return NULL;
}

void stopper_end(struct stopper *s) {
    if (!s) return;
    atomic_store(&s->over, true);
    pthread_kill(s->thread, SIGUSR2);
    pthread_join(s->thread, NULL);
    pthread_mutex_destroy(&s->lock);
    pthread_sigmask(SIG_SETMASK, &s->before, NULL);
    free(s);
}

bool stopper_stopped(const struct stopper *s) { return atomic_load(&s->stopped); }
const sigset_t *stopper_mask(const struct stopper *s) { return &s->before; }

void stopper_on_stop(struct stopper *s, void (*fn)(void *ctx), void *ctx) {
    pthread_mutex_lock(&s->lock);
    s->fn = fn;
    s->ctx = ctx;
    pthread_mutex_unlock(&s->lock);
}
