/* SPDX-License-Identifier: LGPL-2.1-or-later */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* O_TMPFILE, FALLOC_FL_PUNCH_HOLE */
#endif

#include "base/avm-spill.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Room on the disk is given back in pieces of this size. */
#define PUNCH (1 << 20)

struct _AvmSpill {
  char *directory;
  int fd; /* -1: no file yet */
  uint8_t *buffer;
  size_t room, n;    /* of the buffer */
  uint64_t start;    /* offset of the first byte of the buffer */
  uint64_t origin;   /* offset that stands at the begin of the file */
  uint64_t released; /* what stands before is not needed */
  uint64_t punched;  /* and was given back up to here */
};

AvmSpill *
avm_spill_new (const char *directory, size_t room, AvmError *error)
{
  AvmSpill *self = calloc (1, sizeof (*self));

  if (self != NULL) {
    self->fd = -1;
    self->room = room;
    self->directory = strdup (directory);
    self->buffer = malloc (room);
    if (self->directory != NULL && self->buffer != NULL)
      return self;
  }
  avm_spill_free (self);
  avm_error_set (error, AVM_ERROR_MEMORY, -1, "no memory for a buffer");
  return NULL;
}

void
avm_spill_free (AvmSpill *self)
{
  if (self == NULL)
    return;
  if (self->fd >= 0)
    close (self->fd);
  free (self->directory);
  free (self->buffer);
  free (self);
}

void
avm_spill_reset (AvmSpill *self)
{
  if (self->fd >= 0)
    close (self->fd);
  self->fd = -1;
  self->n = 0;
  self->start = self->origin = self->released = self->punched = 0;
}

/* A file that has no name, or loses it at once */
static bool
make_file (AvmSpill *self, AvmError *error)
{
  size_t size = strlen (self->directory) + 32;
  char *name;

#ifdef O_TMPFILE
  self->fd = open (self->directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (self->fd >= 0)
    return true;
#endif
  name = malloc (size);
  if (name == NULL)
    return avm_error_set (error, AVM_ERROR_MEMORY, -1, "no memory for a name");
  snprintf (name, size, "%s/avm-spill-XXXXXX", self->directory);
  self->fd = mkostemp (name, O_CLOEXEC);
  if (self->fd >= 0)
    unlink (name);
  else
    avm_error_set (error, AVM_ERROR_OPEN, errno, "%s: %s", self->directory,
        strerror (errno));
  free (name);
  return self->fd >= 0;
}

static bool
write_all (AvmSpill *self, const uint8_t *data, size_t size, uint64_t offset,
    AvmError *error)
{
  while (size > 0) {
    ssize_t n = pwrite (self->fd, data, size, (off_t)(offset - self->origin));

    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return avm_error_set (error, AVM_ERROR_OPEN, n < 0 ? errno : ENOSPC,
          "%s: %s", self->directory, strerror (n < 0 ? errno : ENOSPC));
    data += n;
    offset += (uint64_t)n;
    size -= (size_t)n;
  }
  return true;
}

static bool
need_file (AvmSpill *self, AvmError *error)
{
  if (self->fd >= 0)
    return true;
  self->origin = self->punched = self->start;
  return make_file (self, error);
}

/* What the buffer holds goes to the file, unless nobody needs it. */
static bool
flush (AvmSpill *self, AvmError *error)
{
  if (self->released < self->start + self->n
      && (!need_file (self, error)
          || !write_all (self, self->buffer, self->n, self->start, error)))
    return false;
  self->start += self->n;
  self->n = 0;
  return true;
}

/* More than the buffer takes: into the file at once. Zeros are a hole in it. */
static bool
append_to_file (AvmSpill *self, const void *data, size_t size, AvmError *error)
{
  if (!need_file (self, error)
      || (data != NULL && !write_all (self, data, size, self->start, error)))
    return false;
  self->start += size;
  return true;
}

bool
avm_spill_append (
    AvmSpill *self, const void *data, size_t size, AvmError *error)
{
  if (size > self->room - self->n && !flush (self, error))
    return false;
  if (size > self->room)
    return append_to_file (self, data, size, error);
  if (data != NULL)
    memcpy (self->buffer + self->n, data, size);
  else
    memset (self->buffer + self->n, 0, size);
  self->n += size;
  return true;
}

uint64_t
avm_spill_end (const AvmSpill *self)
{
  return self->start + self->n;
}

static bool
read_file (AvmSpill *self, uint64_t offset, uint8_t *data, size_t size,
    AvmError *error)
{
  while (size > 0) {
    ssize_t n = pread (self->fd, data, size, (off_t)(offset - self->origin));

    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return avm_error_set (error, AVM_ERROR_OPEN, errno, "%s: %s",
          self->directory, strerror (errno));
    if (n == 0) {
      memset (data, 0, size);
      return true;
    }
    data += n;
    offset += (uint64_t)n;
    size -= (size_t)n;
  }
  return true;
}

bool
avm_spill_read (
    AvmSpill *self, uint64_t offset, void *data, size_t size, AvmError *error)
{
  uint8_t *out = data;
  size_t part;

  if (offset < self->released || offset + size > avm_spill_end (self))
    return avm_error_set (error, AVM_ERROR_RANGE, (int64_t)offset,
        "%zu bytes at %llu are not there", size, (unsigned long long)offset);
  if (offset < self->start) {
    part = (size_t)AVM_MIN ((uint64_t)size, self->start - offset);
    if (!read_file (self, offset, out, part, error))
      return false;
    out += part;
    offset += part;
    size -= part;
  }
  if (size > 0)
    memcpy (out, self->buffer + (offset - self->start), size);
  return true;
}

void
avm_spill_release (AvmSpill *self, uint64_t offset)
{
  uint64_t until;

  self->released =
      AVM_MAX (self->released, AVM_MIN (offset, avm_spill_end (self)));
  if (self->released == avm_spill_end (self)) {
    self->start = self->released;
    self->n = 0;
  }
  if (self->fd < 0)
    return;
  until = AVM_MIN (self->released, self->start);
  if (until == self->start && self->n == 0) {
    /* nothing of it is needed: a new file is made when there is need */
    close (self->fd);
    self->fd = -1;
    return;
  }
#ifdef FALLOC_FL_PUNCH_HOLE
  until -= (until - self->origin) % PUNCH;
  if (until > self->punched
      && fallocate (self->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
             (off_t)(self->punched - self->origin),
             (off_t)(until - self->punched))
          == 0)
    self->punched = until;
#endif
}

bool
avm_spill_has_file (const AvmSpill *self)
{
  return self->fd >= 0;
}
