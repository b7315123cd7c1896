package org.fewstep.io;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.UUID;

/**
 * Files that appear whole or not at all: content goes to a temporary file beside the final name,
 * which is then moved into place. An existing file is replaced at that moment and not before; a
 * failure, or the end of the program, leaves nothing behind.
 */
public final class AtomicFile {

  /** Writes the content of a file. */
  @FunctionalInterface
  public interface Content {

    /** Writes everything, from the channel's position on. */
    void write(FileChannel channel) throws IOException;
  }

  private AtomicFile() {}

  /**
   * Writes a file. A symbolic link is followed; a device such as /dev/null is written in place.
   *
   * @throws IOException if the file cannot be written; the message names it
   */
  public static void write(Path path, Content content) throws IOException {
    Path target = resolve(path);
    if (isDevice(target)) {
      try (FileChannel channel = FileChannel.open(target, StandardOpenOption.WRITE)) {
        content.write(channel);
      }
      return;
    }
    requireReplaceable(target);
    Path temporary = temporaryBeside(target);
    Thread hook = new Thread(() -> deleteQuietly(temporary));
    Runtime.getRuntime().addShutdownHook(hook);
    try {
      try (FileChannel channel = create(target, temporary)) {
        content.write(channel);
      }
      Files.move(
          temporary, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      deleteQuietly(temporary);
      removeHook(hook);
    }
  }

  /**
   * Checks, before long work, that {@link #write} could write a file now, and leaves everything as
   * it was.
   *
   * @throws IOException if it could not; the message names the file
   */
  public static void requireWritable(Path path) throws IOException {
    Path target = resolve(path);
    if (isDevice(target)) {
      return;
    }
    requireReplaceable(target);
    Path temporary = temporaryBeside(target);
    try {
      create(target, temporary).close();
    } finally {
      deleteQuietly(temporary);
    }
  }

  private static Path resolve(Path path) throws IOException {
    return Files.exists(path) ? path.toRealPath() : path.toAbsolutePath();
  }

  private static boolean isDevice(Path target) {
    return Files.exists(target) && !Files.isRegularFile(target) && !Files.isDirectory(target);
  }

  private static void requireReplaceable(Path target) throws IOException {
    if (Files.isDirectory(target)) {
      throw new FileSystemException(target.toString(), null, "is a directory");
    }
    if (target.getFileName() == null || target.getParent() == null) {
      throw new FileSystemException(target.toString(), null, "is not the name of a file");
    }
    if (!Files.isDirectory(target.getParent())) {
      throw new NoSuchFileException(target.getParent().toString(), null, "no such directory");
    }
    if (Files.exists(target) && !Files.isWritable(target)) {
      throw new AccessDeniedException(target.toString());
    }
  }

  private static Path temporaryBeside(Path target) {
    // Short, so that a name near the file system's limit still works.
    String unique = UUID.randomUUID().toString().substring(0, 13);
    return target.resolveSibling(".fewstep-" + unique + ".tmp");
  }

  /**
   * Opens the temporary file with the access rights that the user's umask gives, which the JDK's
   * own temporary files have not; a failure speaks of the file that was asked for.
   */
  private static FileChannel create(Path target, Path temporary) throws IOException {
    try {
      return FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
    } catch (AccessDeniedException e) {
      AccessDeniedException denied = new AccessDeniedException(target.toString());
      denied.initCause(e);
      throw denied;
    } catch (FileSystemException e) {
      FileSystemException failed = new FileSystemException(target.toString(), null, e.getReason());
      failed.initCause(e);
      throw failed;
    }
  }

  private static void deleteQuietly(Path temporary) {
    try {
      Files.deleteIfExists(temporary);
    } catch (IOException e) {
      // What made the write fail is the news; this is its echo.
    }
  }

  private static void removeHook(Thread hook) {
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // The program is ending and the hook is running.
    }
  }
}
