/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "nmf/avm-nmf-private.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

struct _AvmNmfPool {
  int n_threads; /* with the caller's */
  pthread_t *threads;
  int n_started;

  pthread_mutex_t lock;
  pthread_cond_t begin, done;
  unsigned round; /* counts runs */
  int n_busy;
  bool quit;

  AvmNmfWork work;
  void *data;
  int n_items;
  atomic_int next;
};

typedef struct {
  AvmNmfPool *pool;
  int thread;
} Start;

static void
work_items (AvmNmfPool *self, int thread)
{
  int item;

  while ((item = atomic_fetch_add (&self->next, 1)) < self->n_items)
    self->work (self->data, item, thread);
}

static void *
run_thread (void *start)
{
  AvmNmfPool *self = ((Start *)start)->pool;
  int thread = ((Start *)start)->thread;
  unsigned round = 0;

  avm_free (start);
  avm_ftz_enable ();
  pthread_mutex_lock (&self->lock);
  for (;;) {
    while (self->round == round && !self->quit)
      pthread_cond_wait (&self->begin, &self->lock);
    if (self->quit)
      break;
    round = self->round;
    pthread_mutex_unlock (&self->lock);
    work_items (self, thread);
    pthread_mutex_lock (&self->lock);
    if (--self->n_busy == 0)
      pthread_cond_signal (&self->done);
  }
  pthread_mutex_unlock (&self->lock);
  return NULL;
}

static bool
start_thread (AvmNmfPool *self)
{
  Start *start = avm_alloc (1, sizeof (*start));

  if (start == NULL)
    return false;
  *start = (Start){self, self->n_started + 1};
  if (pthread_create (&self->threads[self->n_started], NULL, run_thread, start)
      != 0) {
    avm_free (start);
    return false;
  }
  self->n_started++;
  return true;
}

/* Signals are for the application's own threads. */
static bool
start_threads (AvmNmfPool *self)
{
  sigset_t all, before;
  bool started = true;

  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &before);
  while (started && self->n_started < self->n_threads - 1)
    started = start_thread (self);
  pthread_sigmask (SIG_SETMASK, &before, NULL);
  return started;
}

AvmNmfPool *
avm_nmf_pool_new (int n_threads)
{
  AvmNmfPool *self = avm_alloc (1, sizeof (*self));

  if (self == NULL)
    return NULL;
  self->n_threads = n_threads;
  pthread_mutex_init (&self->lock, NULL);
  pthread_cond_init (&self->begin, NULL);
  pthread_cond_init (&self->done, NULL);
  self->threads = avm_alloc ((size_t)n_threads, sizeof (pthread_t));
  if (self->threads == NULL || !start_threads (self)) {
    avm_nmf_pool_free (self);
    return NULL;
  }
  return self;
}

void
avm_nmf_pool_free (AvmNmfPool *self)
{
  if (self == NULL)
    return;
  pthread_mutex_lock (&self->lock);
  self->quit = true;
  pthread_cond_broadcast (&self->begin);
  pthread_mutex_unlock (&self->lock);
  for (int i = 0; i < self->n_started; i++)
    pthread_join (self->threads[i], NULL);
  pthread_cond_destroy (&self->done);
  pthread_cond_destroy (&self->begin);
  pthread_mutex_destroy (&self->lock);
  avm_free (self->threads);
  avm_free (self);
}

void
avm_nmf_pool_run (AvmNmfPool *self, AvmNmfWork work, void *data, int n_items)
{
  unsigned state = avm_ftz_enable ();

  self->work = work;
  self->data = data;
  self->n_items = n_items;
  atomic_store (&self->next, 0);
  if (self->n_started > 0) {
    pthread_mutex_lock (&self->lock);
    self->n_busy = self->n_started;
    self->round++;
    pthread_cond_broadcast (&self->begin);
    pthread_mutex_unlock (&self->lock);
  }
  work_items (self, 0);
  if (self->n_started > 0) {
    pthread_mutex_lock (&self->lock);
    while (self->n_busy > 0)
      pthread_cond_wait (&self->done, &self->lock);
    pthread_mutex_unlock (&self->lock);
  }
  avm_ftz_restore (state);
}
