/* Preloaded into a process: makes the folder SHIM_DIR look like that of an odd file system. Each of
   these variables is the number of the error that a call inside the folder ends with:
   SHIM_FLOCK; SHIM_FSYNC and SHIM_DIRFSYNC of a file and of a folder; SHIM_PWRITEV of writes past
   the cache; SHIM_WRITE of other writes to files that end in .part; SHIM_TRUNC; SHIM_CHMOD;
   SHIM_STATVFS. SHIM_STATVFS0=1: there are 0 bytes, and 0 are free. SHIM_NAME_MAX: the longest name.
   SHIM_LINK: hard links. SHIM_THREADS is how many threads the process may start. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(type, name) \
    static type (*real)(); \
    if (!real) real = (type (*)())dlsym(RTLD_NEXT, name)
#define FAIL(variable, fd) \
    if (number(variable) && inside(fd)) { errno = number(variable); return -1; }

static int number(const char *name) { const char *text = getenv(name); return text ? atoi(text) : 0; }

static int path_of(int fd, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return 1;
}

static int inside(int fd) {
    char path[PATH_MAX];
    const char *folder = getenv("SHIM_DIR");
    return folder && path_of(fd, path) && !strncmp(path, folder, strlen(folder));
}

static int is_part(int fd) {
    char path[PATH_MAX];
    return path_of(fd, path) && strlen(path) > 5 && !strcmp(path + strlen(path) - 5, ".part");
}

int flock(int fd, int op) { REAL(int, "flock"); FAIL("SHIM_FLOCK", fd); return real(fd, op); }

int fsync(int fd) {
    REAL(int, "fsync");
    struct stat status;
    int is_folder = !fstat(fd, &status) && S_ISDIR(status.st_mode);
    FAIL(is_folder ? "SHIM_DIRFSYNC" : "SHIM_FSYNC", fd);
    return real(fd);
}

int ftruncate64(int fd, off_t size) { REAL(int, "ftruncate64"); FAIL("SHIM_TRUNC", fd); return real(fd, size); }
int ftruncate(int fd, off_t size) { REAL(int, "ftruncate"); FAIL("SHIM_TRUNC", fd); return real(fd, size); }
int fchmod(int fd, mode_t mode) { REAL(int, "fchmod"); FAIL("SHIM_CHMOD", fd); return real(fd, mode); }

int chmod(const char *path, mode_t mode) {
    REAL(int, "chmod");
    const char *folder = getenv("SHIM_DIR");
    if (number("SHIM_CHMOD") && folder && !strncmp(path, folder, strlen(folder))) {
        errno = number("SHIM_CHMOD");
        return -1;
    }
    return real(path, mode);
}

ssize_t write(int fd, const void *from, size_t count) {
    REAL(ssize_t, "write");
    if (is_part(fd)) FAIL("SHIM_WRITE", fd);
    return real(fd, from, count);
}

ssize_t pwritev64(int fd, const struct iovec *from, int count, off64_t at) {
    REAL(ssize_t, "pwritev64");
    FAIL("SHIM_PWRITEV", fd);
    return real(fd, from, count, at);
}

ssize_t pwritev64v2(int fd, const struct iovec *from, int count, off64_t at, int flags) {
    REAL(ssize_t, "pwritev64v2");
    FAIL("SHIM_PWRITEV", fd);
    return real(fd, from, count, at, flags);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *given) {
    static int started;
    REAL(int, "pthread_create");
    const char *most = getenv("SHIM_THREADS");
    if (most && started >= atoi(most)) return EAGAIN;
    started++;
    return real(thread, attributes, run, given);
}

#define STATVFS(name, type) \
    int name(const char *path, struct type *found) { \
        REAL(int, #name); \
        if (number("SHIM_STATVFS")) { errno = number("SHIM_STATVFS"); return -1; } \
        int done = real(path, found); \
        if (!done && number("SHIM_STATVFS0")) found->f_blocks = found->f_bfree = found->f_bavail = 0; \
        return done; \
    }
STATVFS(statvfs, statvfs)
STATVFS(statvfs64, statvfs64)

long pathconf(const char *path, int name) {
    REAL(long, "pathconf");
    const char *folder = getenv("SHIM_DIR");
    char whole[PATH_MAX];
    int longest = name == _PC_NAME_MAX ? number("SHIM_NAME_MAX") : 0;
    if (longest && folder && realpath(path, whole) && !strncmp(whole, folder, strlen(folder))) return longest;
    return real(path, name);
}

int linkat(int from_fd, const char *from, int to_fd, const char *to, int flags) {
    REAL(int, "linkat");
    if (number("SHIM_LINK")) { errno = number("SHIM_LINK"); return -1; }
    return real(from_fd, from, to_fd, to, flags);
}

int link(const char *from, const char *to) {
    REAL(int, "link");
    if (number("SHIM_LINK")) { errno = number("SHIM_LINK"); return -1; }
    return real(from, to);
}
