"""Neutral report prose of our own wording, with invented offices; the figures it states are given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from training.figures import Figure

PLACES = ("栖云县", "岚川市", "青禾区", "望桐县", "临漪市", "砚湖区", "霁阳县", "澄岭区")
OFFICES = ("人民政府", "水利局", "民政局", "教育局", "住房和城乡建设局", "卫生健康委员会", "农业农村局")

# Heading and paragraphs of chapter one, in the order that the regulation asks for.
TOPICS: dict[str, tuple[str, ...]] = {
    "主动公开": (
        "对照公开目录逐项更新栏目，新印发的文件在规定时间内上网，并附文字或图表说明。",
        "围绕群众关心的事项整理办事指南，方便查找和下载。",
    ),
    "依申请公开": (
        "办理流程按登记、审查、答复三步进行，每一步留有记录。",
        "答复文书使用统一格式，办理期限由专人提醒。",
    ),
    "政府信息管理": (
        "信息发布前核对来源、文字和密级，发布后按月检查链接是否有效。",
        "已失效的文件在页面上加注标记，便于读者辨认。",
    ),
    "平台建设": (
        "门户网站调整了首页布局，检索结果按时间和主题排列。",
        "公开专栏增加了移动端页面，大厅内设有查阅点。",
    ),
    "监督保障": (
        "公开工作列入年度考核，每季度抽查一次并通报结果。",
        "组织一期业务培训，请各科室经办人员参加。",
    ),
}
INTRODUCTIONS = (
    "现公布本机关年度报告，数据统计期限为{year}年1月1日至12月31日。",
    "本报告按照规定的格式编写，所列数据截至{year}年12月31日。",
)
OVERALL = (
    "{year}年，本机关按照年度计划安排公开工作，各项任务平稳推进。",
    "{year}年，本机关结合自身职责做好公开工作，总体运行正常。",
)
PROBLEMS = (
    "解读材料的形式还不够丰富，部分栏目更新间隔偏长。",
    "科室之间沟通还不够及时，检索功能有待完善。",
)
IMPROVEMENTS = (
    "下一步将增加图文说明，明确各栏目的更新周期。",
    "下一步将建立月度碰头制度，改进站内检索。",
)
REMARKS = ("本年度没有收取信息处理费。", "没有其他需要说明的情况。")


@dataclass(frozen=True)
class Prose:
    """The wording of one report. `topics` are chapter one's (heading, paragraph), in order."""

    organisation: str
    year: int
    introduction: str
    overall: str
    topics: tuple[tuple[str, str], ...]
    problems: str
    improvements: str
    remark: str

    def with_requests(self, sentences: str) -> Prose:
        """The prose with `sentences` in place of the paragraph on requests."""
        topics = tuple(
            (heading, sentences if heading == "依申请公开" else text) for heading, text in self.topics
        )
        return Prose(**{**self.__dict__, "topics": topics})


def sample_prose(
    rng: np.random.Generator,
    *,
    organisation: str | None = None,
    year: int | None = None,
    stated: Mapping[str, Figure | None] | None = None,
) -> Prose:
    """Prose for a report; it states some figures of `stated`, none without it."""
    if organisation is None:
        organisation = str(rng.choice(PLACES)) + str(rng.choice(OFFICES))
    if year is None:
        year = int(rng.integers(2021, 2026))
    topics = {heading: str(rng.choice(texts)) for heading, texts in TOPICS.items()}
    if stated is not None:
        topics["依申请公开"] = state_figures(stated) + topics["依申请公开"]
    return Prose(
        organisation=organisation,
        year=year,
        introduction=str(rng.choice(INTRODUCTIONS)).format(year=year),
        overall=str(rng.choice(OVERALL)).format(year=year),
        topics=tuple(topics.items()),
        problems=str(rng.choice(PROBLEMS)),
        improvements=str(rng.choice(IMPROVEMENTS)),
        remark=str(rng.choice(REMARKS)),
    )


def state_figures(figures: Mapping[str, Figure | None]) -> str:
    """The sentences in which an office repeats the figures of tables 3 and 4."""
    new, carried_in, granted, carried_out = (
        figures.get(f"requests.{row}.total") for row in ("new", "carried_in", "granted", "carried_out")
    )
    reconsideration, *litigation = (
        figures.get(f"reviews.{group}.total")
        for group in ("reconsideration", "direct_litigation", "litigation_after_reconsideration")
    )
    parts = []
    if new is not None:
        parts.append(f"新收政府信息公开申请{new}件" if new else "未收到政府信息公开申请")
    if carried_in:
        parts.append(f"上年结转{carried_in}件")
    if granted:
        parts.append(f"其中予以公开{granted}件")
    if carried_out:
        parts.append(f"结转下年度{carried_out}件")
    sentences = [f"本年度{'，'.join(parts)}。"] if parts else []
    if reconsideration:
        sentences.append(f"发生行政复议{reconsideration}件。")
    if all(figure is not None for figure in litigation) and any(litigation):
        sentences.append(f"发生行政诉讼{sum(figure or 0 for figure in litigation)}件。")
    return "".join(sentences)
