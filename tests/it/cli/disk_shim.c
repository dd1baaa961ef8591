/* Stands before the C library's calls that write to files: a file system that has become read-only, or that takes half
   a second for each flush. What happens is chosen by files in the folder that DISK_SHIM names, while the program runs. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static int told(const char *what) {
    const char *folder = getenv("DISK_SHIM");
    char path[4096];
    return folder && snprintf(path, sizeof path, "%s/%s", folder, what) < (int)sizeof path && access(path, F_OK) == 0;
}

/* Sockets and pipes are no part of the disk. */
static int refused(int fd) {
    struct stat found;
    if (fstat(fd, &found) != 0 || !S_ISREG(found.st_mode) || !told("read-only")) return 0;
    errno = EROFS;
    return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void *from, size_t size) { return refused(fd) ? -1 : REAL(write)(fd, from, size); }
ssize_t writev(int fd, const struct iovec *from, int count) { return refused(fd) ? -1 : REAL(writev)(fd, from, count); }
ssize_t pwrite(int fd, const void *from, size_t size, off_t at) {
    return refused(fd) ? -1 : REAL(pwrite)(fd, from, size, at);
}
ssize_t pwrite64(int fd, const void *from, size_t size, off64_t at) {
    return refused(fd) ? -1 : REAL(pwrite64)(fd, from, size, at);
}
int ftruncate(int fd, off_t size) { return refused(fd) ? -1 : REAL(ftruncate)(fd, size); }
int ftruncate64(int fd, off64_t size) { return refused(fd) ? -1 : REAL(ftruncate64)(fd, size); }

static void delay(void) {
    if (told("slow")) usleep(500 * 1000);
}
int fsync(int fd) {
    delay();
    return refused(fd) ? -1 : REAL(fsync)(fd);
}
int fdatasync(int fd) {
    delay();
    return refused(fd) ? -1 : REAL(fdatasync)(fd);
}
