package org.fewstep.cuda;

import static java.nio.file.attribute.PosixFilePermission.GROUP_WRITE;
import static java.nio.file.attribute.PosixFilePermission.OTHERS_WRITE;

import java.io.IOException;
import java.io.InputStream;
import java.net.MalformedURLException;
import java.net.URL;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import org.bytedeco.javacpp.Loader;

/**
 * Finds and loads the native library: the file that {@value #LIBRARY} names, or the one in the jar,
 * unpacked into a folder of this user's.
 *
 * <p>The folder is {@value #FOLDER}, or {@code fewstep-<user>} in the JVM's folder for temporary
 * files; nobody else may write there. A file is named by the hash of its bytes and moved into place
 * whole, so that many JVMs may do this at once.
 */
final class NativeLibrary {

  /** The system property that names a library to load instead of the jar's. */
  static final String LIBRARY = "fewstep.cuda.natives";

  /** The system property that names the folder to unpack into. */
  static final String FOLDER = "fewstep.cuda.folder";

  private static final String NAME = "jnifewstepcuda";
  private static final String RESOURCE =
      "/org/fewstep/cuda/binding/linux-x86_64/lib" + NAME + ".so";
  private static final String BINDING = "org.fewstep.cuda.binding.FewstepCuda";

  /** Null before the first attempt, then "" or why it failed. */
  private static String failure;

  private NativeLibrary() {}

  /** Whether a library was named that is to stand for the jar's. */
  static boolean isChosen() {
    return !System.getProperty(LIBRARY, "").isBlank();
  }

  /** Loads the library once; returns null, or in one line why it is not to be had. */
  static synchronized String load() {
    if (failure == null) {
      try {
        Path file = file();
        load(file);
        failure = "";
      } catch (NotThere e) {
        failure = e.getMessage();
      } catch (LinkageError e) {
        failure = "the binding does not fit the native library: " + e;
      }
    }
    return failure.isEmpty() ? null : failure;
  }

  private static void load(Path file) throws NotThere {
    try {
      Class<?> binding = Class.forName(BINDING, false, NativeLibrary.class.getClassLoader());
      // JavaCPP keeps a table of what is loaded: the binding finds its library there, and neither
      // searches nor unpacks anything itself.
      load(binding, file);
      Class.forName(BINDING, true, NativeLibrary.class.getClassLoader());
    } catch (ClassNotFoundException | MalformedURLException e) {
      throw new NotThere("the jar of the CUDA backend is damaged: " + e);
    }
  }

  private static void load(Class<?> binding, Path file) throws NotThere, MalformedURLException {
    try {
      Loader.loadLibrary(binding, new URL[] {file.toUri().toURL()}, NAME);
    } catch (UnsatisfiedLinkError e) {
      // JavaCPP tells of the last folder that it looked into, and keeps the reason as the cause.
      Throwable reason = e.getCause() == null ? e : e.getCause();
      throw new NotThere(
          "the native library %s cannot be loaded: %s".formatted(file, reason.getMessage()));
    }
  }

  private static Path file() throws NotThere {
    if (isChosen()) {
      Path file = Path.of(System.getProperty(LIBRARY)).toAbsolutePath();
      if (!Files.isReadable(file)) {
        throw new NotThere("-D%s names %s, which cannot be read".formatted(LIBRARY, file));
      }
      return file;
    }
    try (InputStream in = NativeLibrary.class.getResourceAsStream(RESOURCE)) {
      if (in == null) {
        throw new NotThere(
            "no native library for %s: %s is in no jar of the class path, and -D%s is not set; add"
                    .formatted(platform(), RESOURCE, LIBRARY)
                + " the artifact fewstep-cuda with the classifier linux-x86_64");
      }
      return unpack(in.readAllBytes());
    } catch (IOException e) {
      throw new NotThere(
          "the native library cannot be unpacked into %s: %s; set -D%s to a folder that can be"
                  .formatted(folder(), e, FOLDER)
              + " written");
    }
  }

  private static String platform() {
    return System.getProperty("os.name") + " " + System.getProperty("os.arch");
  }

  private static Path folder() {
    String chosen = System.getProperty(FOLDER);
    return chosen != null
        ? Path.of(chosen).toAbsolutePath()
        : Path.of(
            System.getProperty("java.io.tmpdir"), "fewstep-" + System.getProperty("user.name"));
  }

  private static Path unpack(byte[] bytes) throws IOException {
    Path folder = folder();
    if (!Files.isDirectory(folder)) {
      Files.createDirectories(
          folder,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    }
    Path file = folder.resolve("lib%s-%s.so".formatted(NAME, hash(bytes)));
    Path temporary = Files.createTempFile(folder, NAME, ".tmp");
    try {
      requirePrivate(folder, temporary);
      if (!Files.exists(file) || !Arrays.equals(Files.readAllBytes(file), bytes)) {
        Files.write(temporary, bytes);
        move(temporary, file);
      }
    } finally {
      Files.deleteIfExists(temporary);
    }
    return file;
  }

  /**
   * Whoever can write there could have this process run what he likes. This user is the one whom a
   * new file belongs to: in a container he may have no name.
   */
  private static void requirePrivate(Path folder, Path ours) throws IOException {
    boolean shared =
        Files.getPosixFilePermissions(folder).stream()
            .anyMatch(right -> right == GROUP_WRITE || right == OTHERS_WRITE);
    if (shared) {
      throw new IOException("others may write there; only this user may be able to");
    }
    if (!Files.getOwner(folder).equals(Files.getOwner(ours))) {
      throw new IOException("it belongs to %s, not to this user".formatted(Files.getOwner(folder)));
    }
  }

  private static void move(Path from, Path to) throws IOException {
    try {
      Files.move(from, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (AtomicMoveNotSupportedException e) {
      Files.move(from, to, StandardCopyOption.REPLACE_EXISTING);
    }
  }

  private static String hash(byte[] bytes) {
    try {
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(bytes);
      return HexFormat.of().formatHex(digest, 0, 8);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has SHA-256", e);
    }
  }

  /** Why there is no library. */
  private static final class NotThere extends Exception {

    private static final long serialVersionUID = 1;

    NotThere(String message) {
      super(message);
    }
  }
}
