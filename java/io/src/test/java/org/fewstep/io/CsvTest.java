package org.fewstep.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CsvTest {

  private static final double[][] TABLE = {{1, -2.5}, {3e-4, 40}};

  @TempDir Path folder;

  private Path file(String text) throws IOException {
    return Files.writeString(
        folder.resolve("table.csv"), text.replace("~", "\n"), StandardCharsets.ISO_8859_1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "1,-2.5~3e-4,40~",
        "1,-2.5~3e-4,40",
        "x,y~1,-2.5~3e-4,40~",
        "\"first x\",\"y\"~1,-2.5~3e-4,40~",
        "# x y~1,-2.5~3e-4,40~",
        "1 , -2.5\r~+3E-4,\t40.\r~\r~",
        "\u00ef\u00bb\u00bf1,-2.5~~3e-4,40~~",
      })
  void readsTables(String text) throws IOException {
    assertThat(Csv.read(file(text))).isDeepEqualTo(TABLE);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '^',
      value = {
        "^^ | at least one line",
        "x,y | at least one line",
        "1,2~3 | line 2: must have 2 columns like the first row, but has 1",
        "1,2~3,4,5 | line 2: must have 2 columns",
        "1,2~~3,a | line 3: column 2 must be a finite decimal number, but is 'a'",
        "1,b | line 1: column 2",
        "x,y~u,v~1,2 | line 2: column 1",
        "1,~ | line 1: column 2 must be a finite decimal number, but is ''",
        "nan,nan~1,2 | line 1: column 1",
        "1,inf | line 1: column 2",
        "1,1e999 | line 1: column 2",
        "1d,2 | line 1: column 1",
        "0x1p3,2 | line 1: column 1",
        "1;2~3;4 | columns are separated by commas",
        "1,2\u00e9 | but is '2?'",
        "1,--2 | line 1: column 2",
      })
  void refuses(String text, String reason) throws IOException {
    Path path = file(text);
    assertThatThrownBy(() -> Csv.read(path))
        .isInstanceOf(FileFormatException.class)
        .hasMessageContaining(reason);
  }

  @Test
  void refusesAnEndlessLine() throws IOException {
    Path path = Files.write(folder.resolve("zeros.csv"), new byte[(1 << 24) + 1]);
    assertThatThrownBy(() -> Csv.read(path)).hasMessageContaining("line 1: is longer");
  }
}
