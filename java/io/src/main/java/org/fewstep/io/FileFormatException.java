package org.fewstep.io;

import java.nio.file.Path;

/**
 * The content of a file is not what it must be. The message is one line: the file, what is wrong,
 * and what is allowed. A file that is missing or cannot be read is an {@link java.io.IOException}
 * instead.
 */
public final class FileFormatException extends IllegalArgumentException {

  private static final long serialVersionUID = 1L;

  /** The longest piece of a file that a message quotes, in characters. */
  private static final int MAX_QUOTE = 60;

  FileFormatException(Path path, String reason) {
    super(path + ": " + reason);
  }

  FileFormatException(Path path, String reason, Throwable cause) {
    super(path + ": " + reason, cause);
  }

  /** A piece of a file as a message may show it: short, in quotes, on one line. */
  static String quote(String text) {
    StringBuilder quoted = new StringBuilder("'");
    for (int i = 0; i < Math.min(text.length(), MAX_QUOTE); i++) {
      char c = text.charAt(i);
      quoted.append(c >= ' ' && c < 0x7f ? c : '?');
    }
    return quoted.append(text.length() > MAX_QUOTE ? "...'" : "'").toString();
  }
}
