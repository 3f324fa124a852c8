"""Names that programs look up: the classes of datasets, the attributes of faces, the functions of pyplot.

Plain data, in the order in which the originals number them.
"""

from __future__ import annotations


def _words(text: str) -> list[str]:
    return text.split()


CIFAR10 = _words("airplane automobile bird cat deer dog frog horse ship truck")

CIFAR100 = _words("""
    apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle caterpillar cattle
    chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant flatfish forest fox girl hamster house
    kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain mouse mushroom oak_tree orange
    orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal
    shark shrew skunk skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger
    tractor train trout tulip turtle wardrobe whale willow_tree wolf woman worm
""")

STL10 = _words("airplane bird car cat deer dog horse monkey ship truck")

EUROSAT = _words("AnnualCrop Forest HerbaceousVegetation Highway Industrial Pasture PermanentCrop Residential River SeaLake")

CELEBA = _words("""
    5_o_Clock_Shadow Arched_Eyebrows Attractive Bags_Under_Eyes Bald Bangs Big_Lips Big_Nose Black_Hair Blond_Hair Blurry Brown_Hair
    Bushy_Eyebrows Chubby Double_Chin Eyeglasses Goatee Gray_Hair Heavy_Makeup High_Cheekbones Male Mouth_Slightly_Open Mustache
    Narrow_Eyes No_Beard Oval_Face Pale_Skin Pointy_Nose Receding_Hairline Rosy_Cheeks Sideburns Smiling Straight_Hair Wavy_Hair
    Wearing_Earrings Wearing_Hat Wearing_Lipstick Wearing_Necklace Wearing_Necktie Young
""")

VOC = _words("""
    aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike person pottedplant sheep sofa train
    tvmonitor
""")

CAPTION = _words("a small brown dog runs across the green grass with a red ball in its mouth")

PYPLOT = _words("""
    annotate axes axhline axis axvline bar barh box boxplot cla clf close cm colorbar contour contourf draw errorbar figimage figlegend
    figtext figure fill fill_between gca gcf get_cmap grid hist imshow ioff ion legend loglog matshow pause pcolormesh plot quiver rc
    rcParams savefig scatter semilogx semilogy show stem step style subplot subplots subplots_adjust suptitle switch_backend text
    tick_params ticklabel_format tight_layout title twinx violinplot xlabel xlim xscale xticks ylabel ylim yscale yticks
""")
