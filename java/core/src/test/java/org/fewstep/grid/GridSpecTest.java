package org.fewstep.grid;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class GridSpecTest {

  @ParameterizedTest
  @EnumSource
  void everyKindIsParsedFromWhatItPrints(GridKind kind) {
    GridSpec spec = new GridSpec(kind, 12);
    assertThat(GridSpec.parse(spec.toString())).isEqualTo(spec);
    assertThat(GridKind.named(kind.label())).isSameAs(kind);
  }

  @Test
  void theDefaultsAreThoseOfTheCommand() {
    assertThat(GridSpec.FLOW_DEFAULT).hasToString("log-snr:8");
    assertThat(GridSpec.DISTILLATION_DEFAULT).hasToString("typical:8");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "typical", "8"})
  void aSpecWithoutAColonIsShownAnExample(String text) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> GridSpec.parse(text))
        .withMessage("grid must be KIND:SEGMENTS, such as log-snr:8, but is '%s'", text);
  }

  @ParameterizedTest
  @ValueSource(strings = {"Typical:8", "cosine:8", ":8", " typical:8"})
  void anUnknownKindIsAnsweredWithTheList(String text) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> GridSpec.parse(text))
        .withMessageContaining(
            "[uniform, log-snr, karras, stability, typical, refined, student], but is '");
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "-1", "1000001", "", "8.0", "eight", "99999999999", "8:8", " 8"})
  void segmentsOutOfRangeAreRefusedWithTheRange(String segments) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> GridSpec.parse("uniform:" + segments))
        .withMessageContaining("segments must be a whole number in [1, 1000000], but is ")
        .withMessageContaining(segments);
  }
}
